// Operators that onnxruntime-node has no kernel for, computed from their definitions in double.
import { tensor } from './model.mjs';

const sizeOf = (dims) => dims.reduce((a, b) => a * b, 1);

/** Value of `t` at a position of a larger shape that it broadcasts to. */
function broadcastAt(t, dims, index) {
  let offset = 0;
  let stride = 1;
  for (let i = 1; i <= dims.length; i++) {
    const at = index % dims.at(-i);
    index = Math.floor(index / dims.at(-i));
    if (i > t.dims.length) continue;
    const extent = t.dims.at(-i);
    offset += (extent === 1 ? 0 : at) * stride;
    stride *= extent;
  }
  return t.data[offset];
}

const map = (dims, f) =>
  tensor(
    'float32',
    dims,
    Array.from({ length: sizeOf(dims) }, (_, i) => f(i)),
  );
const sum = (dims, ...parts) =>
  map(dims, (i) => parts.reduce((total, part) => total + broadcastAt(part, dims, i), 0));

/** Abramowitz and Stegun 7.1.5: the series of erf, for moderate x. */
function erf(x) {
  let term = x;
  let total = x;
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}
const gelu = (x) => 0.5 * x * (1 + erf(x / Math.SQRT2));
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

export const biasAdd = ({ inputs: [x, bias, skip] }) => ({ o0: sum(x.dims, x, bias, skip) });

export function biasSplitGelu({ inputs: [x, bias] }) {
  const y = sum(x.dims, x, bias);
  const half = x.dims.at(-1) / 2;
  const dims = [...x.dims.slice(0, -1), half];
  return {
    o0: map(dims, (i) => {
      const row = Math.floor(i / half) * 2 * half + (i % half);
      return y.data[row] * gelu(y.data[row + half]);
    }),
  };
}

export function biasSoftmax({ inputs: [x, bias], attributes: { axis } }) {
  const y = sum(x.dims, x, bias);
  const row = sizeOf(x.dims.slice(axis));
  return {
    o0: map(x.dims, (i) => {
      const first = i - (i % row);
      const total = y.data.slice(first, first + row).reduce((t, v) => t + Math.exp(v), 0);
      return Math.exp(y.data[i]) / total;
    }),
  };
}

export function groupNorm({ op, inputs: [x, gamma, beta, skip, bias], attributes, outputs }) {
  const { groups, activation, epsilon = { f: 1e-5 }, channels_last = 1 } = attributes;
  const eps = epsilon.f ?? epsilon;
  let total = x;
  if (op === 'SkipGroupNorm') {
    const wide = skip.dims.length === 2 ? { ...skip, dims: [skip.dims[0], 1, 1, skip.dims[1]] } : skip;
    total = sum(x.dims, x, wide, ...(bias ? [bias] : []));
  }
  const channels = channels_last ? x.dims[3] : x.dims[1];
  const inner = channels_last ? 1 : x.dims[2] * x.dims[3];
  const channel = (i) => Math.floor(i / inner) % channels;
  const item = (i) => Math.floor(i / (sizeOf(x.dims) / x.dims[0]));
  const group = (i) => item(i) * groups + Math.floor((channel(i) * groups) / channels);
  const counts = Array(x.dims[0] * groups).fill(0);
  const means = [...counts];
  const squares = [...counts];
  total.data.forEach((v, i) => {
    counts[group(i)]++;
    means[group(i)] += v;
  });
  for (const g of means.keys()) means[g] /= counts[g];
  total.data.forEach((v, i) => {
    squares[group(i)] += (v - means[group(i)]) ** 2;
  });
  const y = map(x.dims, (i) => {
    const g = group(i);
    const scale = gamma.data[channel(i)] / Math.sqrt(squares[g] / counts[g] + eps);
    const v = (total.data[i] - means[g]) * scale + beta.data[channel(i)];
    return activation ? v * sigmoid(v) : v;
  });
  return outputs?.[1] ? { o0: y, o1: total } : { o0: y };
}

/** Buckets of the T5 models. */
export function relativePositionBias({ inputs: [table, q, k], attributes }) {
  const { max_distance, is_bidirectional = 0 } = attributes;
  const [buckets, heads] = table.dims;
  const [queries, keys] = [Number(q.data[0]), Number(k.data[0])];
  const bucket = (relative) => {
    let count = buckets;
    let first = 0;
    let n = -relative;
    if (is_bidirectional) {
      count = Math.floor(count / 2);
      if (n < 0) first = count;
      n = Math.abs(n);
    } else n = Math.max(n, 0);
    const exact = Math.floor(count / 2);
    if (n < exact) return first + n;
    const large =
      exact + Math.floor((Math.log(n / exact) / Math.log(max_distance / exact)) * (count - exact) + 1e-9);
    return first + Math.min(large, count - 1);
  };
  return {
    o0: map([1, heads, queries, keys], (i) => {
      const key = i % keys;
      const query = Math.floor(i / keys) % queries;
      const head = Math.floor(i / keys / queries);
      return table.data[bucket(key - query) * heads + head];
    }),
  };
}

export function gatedRelativePositionBias({ inputs: [x, qBias, pos, weight, bias, eco], attributes }) {
  const n = attributes.num_heads;
  const [b, s, hidden] = x.dims;
  const h = hidden / n;
  const d = weight.dims[1];
  return {
    o0: map([b, n, s, s], (i) => {
      const [key, query, head, item] = [
        i % s,
        Math.floor(i / s) % s,
        Math.floor(i / s / s) % n,
        Math.floor(i / s / s / n),
      ];
      const gates = [0, 0];
      for (let c = 0; c < d; c++) {
        let v = bias.data[c];
        for (let e = 0; e < h; e++) {
          const at = head * h + e;
          v += (x.data[(item * s + query) * hidden + at] + qBias.data[at]) * weight.data[e * d + c];
        }
        gates[c < d / 2 ? 0 : 1] += v;
      }
      const gate = sigmoid(gates[0]) * (sigmoid(gates[1]) * eco.data[head] - 1) + 2;
      return gate * pos.data[(head * s + query) * s + key];
    }),
  };
}

export function unfold({ inputs: [x], attributes: { dim = -1, size, step = 1 } }) {
  const axis = dim < 0 ? dim + x.dims.length : dim;
  const inner = sizeOf(x.dims.slice(axis + 1));
  const extent = x.dims[axis];
  const windows = Math.floor((extent - size) / step) + 1;
  const dims = [...x.dims.slice(0, axis), windows, ...x.dims.slice(axis + 1), size];
  return {
    o0: map(dims, (i) => {
      const at = i % size;
      const place = Math.floor(i / size) % inner;
      const window = Math.floor(i / size / inner) % windows;
      const outer = Math.floor(i / size / inner / windows);
      return x.data[(outer * extent + window * step + at) * inner + place];
    }),
  };
}
