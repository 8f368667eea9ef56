// Models with DequantizeLinear and QuantizeLinear around their operators, against onnxruntime-node, and the integer
// kernels that they become. Outputs may be one step apart: both runtimes round sums of float32 products at other places.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createEngine } from '../support/engine.mjs';
import { writeModel } from '../support/onnx.mjs';
import { dtypes } from '../support/values.mjs';
import { any, check, scalar, scales, seed, weights } from './operator.mjs';

const numberOf = (type) => dtypes.findIndex((row) => row?.name === type);
const bytes = (data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const ints = (name, values) => ({ name, ints: values, type: 7 });
const int = (name, i) => ({ name, i, type: 2 });

/** A model of nodes ['Op', 'inputs', 'output', [attributes]] over in0; constants by name. */
function model(input, output, constants, nodes) {
  const value = (name, type, dims) => ({
    name,
    type: {
      tensor_type: { elem_type: numberOf(type), shape: { dim: dims.map((dim_value) => ({ dim_value })) } },
    },
  });
  return writeModel({
    ir_version: 10,
    opset_import: [{ domain: '', version: 21 }],
    graph: {
      name: 'qdq',
      input: [value('in0', input.type, input.dims)],
      output: [{ name: 'out0', type: { tensor_type: { elem_type: numberOf(output) } } }],
      initializer: Object.entries(constants).map(([name, { type, dims, data }]) => ({
        name,
        dims,
        data_type: numberOf(type),
        raw_data: bytes(data),
      })),
      node: nodes.map(([op_type, inputs, out, attribute = []]) => ({
        op_type,
        input: inputs.split(' '),
        output: [out],
        attribute,
      })),
    },
  });
}

const engine = await createEngine('simd');
/** The graph after passes, as text. */
function optimised(bytes) {
  const session = engine.open(bytes);
  try {
    return engine.abi
      .sessionInfo(session)
      .split(/^graph/m)
      .at(-1);
  } finally {
    engine.abi.release(session);
  }
}

describe('QDQ models', () => {
  test('a small residual network', async () => {
    seed(900);
    const input = any('float32', [1, 3, 12, 12], { range: 1 });
    const zero = scalar('uint8', 128);
    const constants = {
      xs: scalar('float32', 1 / 128),
      xz: zero,
      as: scalar('float32', 0.02),
      az: scalar('uint8', 0),
      bs: scalar('float32', 0.05),
      bz: zero,
      w1: weights('int8', [8, 3, 3, 3]),
      s1: scales('float32', [8], 0.002),
      z1: weights('int8', [8], { low: 0, high: 0 }),
      w2: weights('int8', [8, 8, 1, 1]),
      s2: scalar('float32', 0.003),
      z2: scalar('int8', 0),
      w3: weights('int8', [8, 1, 3, 3]),
      s3: scalar('float32', 0.004),
      w4: weights('int8', [8, 5]),
      s4: scales('float32', [5], 0.01),
      z4: weights('int8', [5], { low: 0, high: 0 }),
      b1: weights('float32', [8], { range: 0.3 }),
      b4: weights('float32', [5], { range: 0.3 }),
    };
    const nodes = [
      ['QuantizeLinear', 'in0 xs xz', 'q0'],
      ['DequantizeLinear', 'q0 xs xz', 'd0'],
      ['DequantizeLinear', 'w1 s1 z1', 'dw1', [int('axis', 0)]],
      ['Conv', 'd0 dw1 b1', 'c1', [ints('pads', [1, 1, 1, 1])]],
      ['Relu', 'c1', 'r1'],
      ['QuantizeLinear', 'r1 as az', 'q1'],
      ['DequantizeLinear', 'q1 as az', 'd1'],
      ['DequantizeLinear', 'w2 s2 z2', 'dw2'],
      ['Conv', 'd1 dw2', 'c2'],
      ['QuantizeLinear', 'c2 bs bz', 'q2'],
      ['DequantizeLinear', 'q2 bs bz', 'd2'],
      ['Add', 'd1 d2', 'sum'],
      ['QuantizeLinear', 'sum bs bz', 'q3'],
      ['DequantizeLinear', 'q3 bs bz', 'd3'],
      ['DequantizeLinear', 'w3 s3 z2', 'dw3'],
      ['Conv', 'd3 dw3', 'c3', [int('group', 8), ints('strides', [2, 2])]],
      ['QuantizeLinear', 'c3 bs bz', 'q4'],
      ['DequantizeLinear', 'q4 bs bz', 'd4'],
      ['MaxPool', 'd4', 'm', [ints('kernel_shape', [2, 2])]],
      ['QuantizeLinear', 'm bs bz', 'q5'],
      ['DequantizeLinear', 'q5 bs bz', 'd5'],
      ['GlobalAveragePool', 'd5', 'g'],
      ['Flatten', 'g', 'f'],
      ['QuantizeLinear', 'f as bz', 'q6'],
      ['DequantizeLinear', 'q6 as bz', 'd6'],
      ['DequantizeLinear', 'w4 s4 z4', 'dw4', [int('axis', 1)]],
      ['Gemm', 'd6 dw4 b4', 'y'],
      ['QuantizeLinear', 'y bs bz', 'out0'],
    ];
    const bytes = model(input, 'uint8', constants, nodes);
    await check({ model: bytes, inputs: [input], outputs: ['uint8'], steps: 1 });
    const graph = optimised(bytes);
    for (const op of ['QLinearConv', 'QLinearAdd', 'QGemm', 'MaxPool']) assert.match(graph, new RegExp(op));
    assert.doesNotMatch(graph, / (Conv|FusedConv|Gemm|Add)\(/);
  });

  test('products of computed operands and with constants, float results', async () => {
    seed(901);
    const input = any('uint8', [4, 6, 32]);
    const constants = {
      xs: scalar('float32', 0.02),
      xz: scalar('uint8', 120),
      ws: scales('float32', [24], 0.01),
      wz: weights('int8', [24], { low: 0, high: 0 }),
      w: weights('int8', [32, 24]),
      ys: scalar('float32', 0.04),
      yz: scalar('uint8', 130),
    };
    await check({
      model: model(input, 'float32', constants, [
        ['DequantizeLinear', 'in0 xs xz', 'a'],
        ['DequantizeLinear', 'w ws wz', 'dw', [int('axis', 1)]],
        ['MatMul', 'a dw', 'p'],
        ['QuantizeLinear', 'p ys yz', 'q'],
        ['DequantizeLinear', 'q ys yz', 'dq'],
        ['Transpose', 'dq', 't', [ints('perm', [0, 2, 1])]],
        ['MatMul', 'dq t', 'out0'],
      ]),
      inputs: [input],
      outputs: ['float32'],
      rtol: 1e-4,
      atol: 0.1,
    });
  });
});
