// Cast and CastLike between all pairs of types, on values for which the specification says the result.
import { bitsOf, isFloat, isInteger, isSigned, make, tensor } from '../tensors.mjs';

const odd = new Set(['float8e8m0', 'float4e2m1']);
const float8 = /^float8e[45]/;

/** Numbers that both types hold or that the specification rounds. */
function values(from, to) {
  if (from === 'string' || to === 'string') {
    if (from === 'string' && to === 'string') return make('string', [5]);
    if (to === 'bool' || from === 'bool') return undefined;
  }
  if (odd.has(from) || odd.has(to)) return /int2/.test(from + to) ? [1, 1, 1] : [1, 2, 4, 1, 2];
  const narrow = Math.min(isInteger(from) ? bitsOf(from) : 64, isInteger(to) ? bitsOf(to) : 64);
  if (narrow < 8) return [0, 1, 1, 0, 1, 1, 0];
  const whole = [0, 1, 2, 3, 100, 64, 7];
  const signed = isSigned(from) || isFloat(from) || from === 'string';
  if (!signed || (isInteger(to) && !isSigned(to))) return whole;
  return [...whole, -1, -100, -2];
}

function casesOf(from, to) {
  const given = values(from, to);
  if (given === undefined) return [];
  if (!Array.isArray(given)) return [given];
  const inputs = [
    tensor(from, [given.length], given),
    tensor(from, [], [given[1]]),
    tensor(from, [0, 2], []),
  ];
  if (isFloat(from) && isFloat(to) && !odd.has(from) && !odd.has(to)) inputs.push(make(from, [40]));
  if (isFloat(from) && isInteger(to) && bitsOf(to) >= 8 && !odd.has(from))
    inputs.push(tensor(from, [5], [0.5, 1.5, 2.75, 0.25, 3.5]));
  if (to === 'bool' && from !== 'string' && !odd.has(from) && bitsOf(from) >= 8)
    inputs.push(make(from, [12]));
  if (isInteger(from) && isInteger(to) && bitsOf(from) >= 8 && bitsOf(to) >= 8) inputs.push(make(from, [12]));
  return inputs;
}

const isPairOf = (types) => types.T1 !== 'float32' || types.T2 === 'float32';
const targets =
  'float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz bool string uint4 int4 uint2 int2 float4e2m1 float8e8m0';

const rows = (more) => ({
  ulps: 0,
  rtol: 0,
  atol: 0,
  cases: (types) => {
    const to = types.T2 === 'float32' ? targets.split(' ') : [types.T2];
    if (!isPairOf(types)) return casesOf(types.T1, types.T2).map((input) => more(input, types.T2));
    return to.flatMap((target) =>
      casesOf(types.T1, target).flatMap((input) => [
        more(input, target),
        ...(float8.test(target) && isFloat(types.T1) ? [more(input, target, { saturate: 0 })] : []),
      ]),
    );
  },
});

export const cast = {
  Cast: rows((input, to, attributes) => ({ inputs: [input], to, attributes, outputs: [to] })),
  CastLike: rows((input, to, attributes) => ({
    inputs: [input, make(to, [2], { kind: 'small' })],
    attributes,
    outputs: [to],
  })),
};
