// Rewrites finished wasm files so that brotli, with which they are sent, finds more of them alike; they do the same as
// before. Functions come in an order in which each follows one that it resembles, locals of a function in one order of
// types, and vectors are loaded and stored without a hint of their alignment, which compilers to machine code ignore.
// node .tools/wasm-arrange.mjs FILE ...
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { bodies, instructions, localsOf, Reader, sections } from './wasm-reader.mjs';

/** @typedef {(Uint8Array | number)[]} Body bytes, and numbers of functions that are written when their order is known */

/** @param {number} value unsigned @returns {number[]} its LEB128 form */
export function leb(value) {
  const bytes = [];
  do {
    bytes.push((value & 127) | (value > 127 ? 128 : 0));
    value >>>= 7;
  } while (value);
  return bytes;
}

/** @param {(Uint8Array | number[])[]} parts */
const join = (parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));

/** @param {Reader} section @returns {number[]} how many parameters each type has */
function parametersOf(section) {
  const counts = [];
  for (let left = section.number(); left > 0; left--) {
    if (section.byte() !== 0x60) throw new Error('a type that is no function');
    const parameters = section.number();
    counts.push(parameters);
    section.skip(parameters);
    section.skip(section.number());
  }
  return counts;
}

/** @param {Reader} section @returns {number} how many functions are imported; of other things, memories may be */
function importedFunctions(section) {
  let functions = 0;
  for (let left = section.number(); left > 0; left--) {
    section.skip(section.number());
    section.skip(section.number());
    const kind = section.byte();
    if (kind !== 0 && kind !== 2) throw new Error(`an import of kind ${kind}`);
    const first = section.number();
    if (kind === 0) functions++;
    else for (let limits = 1 + (first & 1); limits > 0; limits--) section.number();
  }
  return functions;
}

/**
 * @param {Reader} body
 * @param {number} parameters
 * @returns {Body}
 */
function rewrite(body, parameters) {
  const types = localsOf(body);
  const order = types.map((_, i) => i).sort((a, b) => types[b] - types[a]);
  const renumbered = new Map(order.map((old, i) => [parameters + old, parameters + i]));
  const groups = [...new Set(order.map((old) => types[old]))];
  const counts = groups.map((type) => [...leb(types.filter((t) => t === type).length), type]);
  /** @type {Body} */
  const parts = [Buffer.from([...leb(groups.length), ...counts.flat()])];
  let copied = body.at;
  for (const { opcode, sub, operand } of instructions(body)) {
    const isLocal = opcode >= 0x20 && opcode <= 0x22;
    const isFunction = opcode === 0x10 || opcode === 0x12 || opcode === 0xd2;
    const isVectorAccess = opcode === 0xfd && (sub <= 11 || (sub >= 84 && sub <= 93));
    if (!isLocal && !isFunction && !isVectorAccess) continue;
    const reader = new Reader(body.bytes, operand, body.end);
    const value = reader.number();
    if (isVectorAccess && value > 4) continue;
    parts.push(body.bytes.subarray(copied, operand));
    if (isFunction) parts.push(value);
    else parts.push(Buffer.from(isLocal ? leb(renumbered.get(value) ?? value) : [0]));
    copied = reader.at;
  }
  parts.push(body.bytes.subarray(copied, body.end));
  return parts;
}

/**
 * An order in which alike functions are neighbours. Each is followed by the one that has most runs of four bytes in
 * common with it and, less and less, with those before it, in relation to its length.
 * @param {Body[]} functions
 */
function orderByLikeness(functions) {
  /** @type {Map<number, number[]>} which functions have a run */
  const holders = new Map();
  const runs = functions.map((parts, index) => {
    const code = join(parts.filter((part) => typeof part !== 'number'));
    const distinct = [];
    for (let i = 0; i + 4 <= code.length; i++) {
      const run = code.readUInt32LE(i);
      const list = holders.get(run);
      if (list?.at(-1) === index) continue;
      if (list) list.push(index);
      else holders.set(run, [index]);
      distinct.push(run);
    }
    return distinct;
  });
  const weights = runs.map((distinct) => 1 / (distinct.length + 50) ** 0.8);
  const common = new Float64Array(functions.length);
  const left = new Set(functions.keys());
  const order = [];
  for (let next = 0; left.size; ) {
    order.push(next);
    left.delete(next);
    for (const index of left) common[index] *= 0.7;
    for (const run of runs[next]) for (const index of holders.get(run) ?? []) common[index]++;
    let most = -1;
    for (const index of left) {
      if (common[index] * weights[index] <= most) continue;
      most = common[index] * weights[index];
      next = index;
    }
  }
  return order;
}

/**
 * @param {Uint8Array} bytes a module without names
 * @returns {Uint8Array}
 */
export function arrange(bytes) {
  /** @type {number[]} */
  let parameters = [];
  /** @type {number[]} */
  const types = [];
  /** @type {Body[]} */
  const functions = [];
  let imported = 0;
  for (const { id, content } of sections(bytes)) {
    if (id === 0) throw new Error('a section of names would be wrong afterwards');
    if (id === 1) parameters = parametersOf(content);
    if (id === 2) imported = importedFunctions(content);
    if (id === 3) for (let left = content.number(); left > 0; left--) types.push(content.number());
    if (id === 10)
      for (const body of bodies(content)) functions.push(rewrite(body, parameters[types[functions.length]]));
  }
  const order = orderByLikeness(functions);
  const renumbered = new Map(order.map((old, i) => [imported + old, imported + i]));
  /** @param {number} index */
  const number = (index) => leb(renumbered.get(index) ?? index);

  /** @type {(Uint8Array | number[])[]} */
  const out = [bytes.subarray(0, 8)];
  for (const { id, content } of sections(bytes)) {
    const from = content.at;
    /** @type {(Uint8Array | number[])[]} */
    const parts = [];
    /** @param {() => void} skip */
    const copy = (skip) => {
      const start = content.at;
      skip();
      parts.push(bytes.subarray(start, content.at));
    };
    if (id === 3) parts.push(leb(order.length), ...order.map((old) => leb(types[old])));
    else if (id === 7) {
      const count = content.number();
      parts.push(leb(count));
      for (let left = count; left > 0; left--) {
        copy(() => content.skip(content.number()));
        const kind = content.byte();
        const index = content.number();
        parts.push([kind], kind === 0 ? number(index) : leb(index));
      }
    } else if (id === 8) parts.push(number(content.number()));
    else if (id === 9) {
      const segments = content.number();
      parts.push(leb(segments));
      for (let left = segments; left > 0; left--) {
        if (content.number() !== 0) throw new Error('elements in another form than numbers of functions');
        parts.push([0]);
        copy(() => {
          while (content.byte() !== 0x0b);
        });
        const count = content.number();
        parts.push(leb(count));
        for (let i = 0; i < count; i++) parts.push(number(content.number()));
      }
    } else if (id === 10) {
      parts.push(leb(order.length));
      for (const old of order) {
        const body = join(functions[old].map((part) => (typeof part === 'number' ? number(part) : part)));
        parts.push(leb(body.length), body);
      }
    } else parts.push(bytes.subarray(from, content.end));
    const section = join(parts);
    out.push([id], leb(section.length), section);
  }
  return join(out);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const file of process.argv.slice(2)) writeFileSync(file, arrange(readFileSync(file)));
}
