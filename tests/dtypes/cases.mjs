// Rows of the table times the types of the engine's signatures.
import { cast } from './table/cast.mjs';
import { elementwise } from './table/elementwise.mjs';
import { layers } from './table/layers.mjs';
import { movement } from './table/movement.mjs';
import { quantised } from './table/quantised.mjs';
import { random } from './table/random.mjs';
import { reductions } from './table/reductions.mjs';
import { sampling } from './table/sampling.mjs';
import { sequences } from './table/sequences.mjs';
import { signal } from './table/signal.mjs';
import { numberOf } from './tensors.mjs';

/** By operator of ai.onnx. `cases(types)` gives cases for one choice of types by variable. */
export const table = {
  ...elementwise,
  ...cast,
  ...movement,
  ...reductions,
  ...layers,
  ...sampling,
  ...random,
  ...sequences,
  ...signal,
  ...quantised,
};

const usual = ['float32', 'int64', 'bool', 'string'];

/** Every variable takes each of its types once, the others having their usual one. */
function choices(variables, defaults) {
  const names = Object.keys(variables);
  const base = Object.fromEntries(
    names.map((name) => [
      name,
      defaults[name] ?? usual.find((type) => variables[name].includes(type)) ?? variables[name][0],
    ]),
  );
  const list = [base];
  for (const name of names)
    for (const type of variables[name]) if (type !== base[name]) list.push({ ...base, [name]: type });
  return list;
}

const chosen = (value, types) => (typeof value === 'function' ? value(types) : value);

/**
 * @param {import('./signature.mjs').Operator} operator
 * @returns {object[][]} groups of cases that differ in values only; every case has `types` and tolerances
 */
export function groupsOf(operator) {
  const row = table[operator.op];
  const groups = [];
  for (const given of choices({ ...operator.variables, ...row.variables }, row.defaults ?? {})) {
    const types = row.link ? row.link(given) : given;
    const outputs = operator.outputs
      .slice(0, row.outputs ?? 1)
      .map(({ variable, types: own }) => types[variable] ?? own?.[0] ?? types.T);
    const { exact, ulps, rtol, atol } = row;
    const group = row.cases(types).map((item) => ({
      op: operator.op,
      domain: operator.domain,
      types,
      opset: row.opset,
      judge: chosen(row.judge, types),
      outputs,
      ...defined({ exact, ulps, rtol: chosen(rtol, types), atol: chosen(atol, types) }),
      ...item,
      inputs: trimmed(item.inputs),
      attributes: item.to ? { ...item.attributes, to: numberOf(item.to) } : item.attributes,
    }));
    if (group.length > 0) groups.push(group);
  }
  return groups;
}

const defined = (object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

/**
 * The same cases as models hold them: all inputs but the first constant (packed, or folded into shapes), and all constant
 * (folded when planning). `same` is the case that was judged.
 */
export function heldBy(group) {
  const fixed = (item, from) => ({
    ...item,
    same: item,
    constants: item.inputs.flatMap((value, k) => (k >= from && isTensor(value) ? [k] : [])),
  });
  const shown = group.filter((item) => !item.check && item.inputs.some(isTensor));
  return [
    shown.filter(({ inputs }) => inputs.slice(1).some(isTensor)).map((item) => fixed(item, 1)),
    shown.slice(0, 2).map((item) => fixed(item, 0)),
  ].filter((list) => list.length > 0);
}

const isTensor = (value) => value !== null && !Array.isArray(value);

function trimmed(inputs) {
  const last = inputs.findLastIndex((value) => value !== null);
  return inputs.slice(0, last + 1);
}
