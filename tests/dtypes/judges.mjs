// What the cases should give, from others than us: onnxruntime-node where it has the type, else numpy, else
// onnxruntime-node on the same numbers as float32, rounded.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runGroups } from './runner.mjs';
import { converted } from './tensors.mjs';

const program = fileURLToPath(new URL('reference/main.py', import.meta.url));
const ortTypes = /^\??\[?(float32|float64|float16|u?int(8|16|32|64)|bool|string)?\]?$/;
const narrowFloat = /^(float16|bfloat16)$/;

const packed = (value) => {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(packed);
  const { type, dims, data } = value;
  if (type === 'string') return { type, dims, data };
  return { type, dims, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') };
};

const arrays = {
  8: Uint8Array,
  float32: Float32Array,
  float64: Float64Array,
  complex64: Float32Array,
  complex128: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
};

const unpacked = (value) => {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map(unpacked);
  const { type, dims, data } = value;
  if (type === 'string') return value;
  return {
    type,
    dims,
    data: new (arrays[type] ?? Uint8Array)(new Uint8Array(Buffer.from(data, 'base64')).buffer),
  };
};

/**
 * numpy's results by Debian's own Python; undefined where reference/ has no recipe.
 * @param {import('./models.mjs').Case[]} cases
 * @returns {Promise<(any[] | undefined)[]>}
 */
export function numpyResults(cases) {
  const attribute = (value) => {
    if (value?.dims) return packed(value);
    if (value?.floats) return value.floats.map(Math.fround);
    return value?.float === undefined ? value : Math.fround(value.float);
  };
  const request = cases.map(({ op, inputs, attributes = {}, outputs }) => ({
    op,
    outputs,
    inputs: inputs.map(packed),
    attributes: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name, attribute(value)]),
    ),
  }));
  return new Promise((resolve, reject) => {
    const child = spawn('/usr/bin/python3', ['-W', 'ignore', program], { stdio: ['pipe', 'pipe', 'pipe'] });
    const chunks = [];
    let stderr = '';
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0)
        return reject(new Error(`reference/main.py ended with ${code}:\n${stderr.slice(-4000)}`));
      const answers = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      resolve(answers.map((answer) => answer?.map(unpacked)));
    });
    child.stdin.end(JSON.stringify(request));
  });
}

const typesIn = ({ inputs, outputs }) => [...inputs.flat().map((value) => value?.type ?? ''), ...outputs];

/** The case with every narrow float as float32, or undefined if that is not what it is about. */
function widened(item) {
  if (!typesIn(item).every((type) => ortTypes.test(type) || narrowFloat.test(type))) return undefined;
  if (Object.values(item.attributes ?? {}).some((value) => value?.dims || value?.node)) return undefined;
  if (item.inputs.some(Array.isArray)) return undefined;
  const widen = (type) => (narrowFloat.test(type) ? 'float32' : type);
  const inputs = item.inputs.map((value) =>
    value && narrowFloat.test(value.type) ? converted(value, 'float32') : value,
  );
  return { ...item, inputs, outputs: item.outputs.map(widen) };
}

async function byOrt(groups) {
  const results = await runGroups('ort-node', groups);
  return (item) => results.get(item)?.outputs;
}

/**
 * @typedef {{ by: 'onnxruntime' | 'numpy' | 'stated' | 'onnxruntime, rounded' | 'statistics', outputs: any[] }} Verdict
 * @param {(import('./models.mjs').Case & { judge?: string })[][]} groups
 * @returns {Promise<Map<object, Verdict>>} by case; cases that nobody can judge are missing
 */
export async function judge(groups) {
  const verdicts = new Map();
  const fits = (item) =>
    item.judge !== 'numpy' && !item.check && typesIn(item).every((type) => ortTypes.test(type));
  const native = await byOrt(groups.map((group) => group.filter(fits)).filter((group) => group.length > 0));
  const open = [];
  for (const item of groups.flat()) {
    const outputs = native(item);
    if (item.check) verdicts.set(item, { by: 'statistics', outputs: [] });
    else if (outputs) verdicts.set(item, { by: 'onnxruntime', outputs });
    else open.push(item);
  }
  for (const item of open) if (item.expected) verdicts.set(item, { by: 'stated', outputs: item.expected });
  const left = open.filter((item) => !verdicts.has(item));
  const computed = await numpyResults(left);
  const wide = new Map();
  for (const [i, item] of left.entries()) {
    if (computed[i]) verdicts.set(item, { by: 'numpy', outputs: computed[i] });
    else if (widened(item)) wide.set(item, widened(item));
  }
  const rounded = await byOrt([...wide.values()].map((item) => [item]));
  for (const [item, other] of wide) {
    const outputs = rounded(other)?.map((value, k) =>
      value && narrowFloat.test(item.outputs[k]) ? converted(value, item.outputs[k]) : value,
    );
    if (outputs) verdicts.set(item, { by: 'onnxruntime, rounded', outputs });
  }
  return verdicts;
}
