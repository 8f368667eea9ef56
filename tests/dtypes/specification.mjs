// The element types that ONNX's specification allows up to operator set 23, where they are more than in operator set 17
// (which Debian's python3-onnx tells): by operator, those of its inputs in turn, and of its outputs where they differ.
import { typesOf } from './signature.mjs';

// Version 4 of the IR has bfloat16, 9 the 8-bit floats, 10 the 4-bit integers, 11 float4e2m1.
const ir3 = 'float16,float32,float64,integers,bool,string,complex64,complex128';
const ir4 = `${ir3},bfloat16`;
const ir11 = `${ir4},narrow8,uint4,int4,float4e2m1`;
const castable = 'numeric,narrow8,bool,string,uint4,int4,float4e2m1';
const extremes = 'floats,int32,int64,uint32,uint64,int8,uint8,bool';

const rows = {
  AffineGrid: ['floats'],
  Bernoulli: ['floats'],
  BitwiseAnd: ['integers', 'integers'],
  BitwiseNot: ['integers'],
  BitwiseOr: ['integers', 'integers'],
  BitwiseXor: ['integers', 'integers'],
  Cast: { inputs: [castable], outputs: [castable] },
  CastLike: { inputs: [castable, castable], outputs: [castable] },
  CenterCropPad: [ir4, 'int32,int64'],
  Col2Im: [ir4, 'int64', 'int64'],
  Constant: { outputs: [ir11] },
  ConstantOfShape: { outputs: ['numeric,narrow8,bool,uint4,int4,float4e2m1'] },
  Dropout: ['floats,narrow8', 'floats,narrow8', 'bool'],
  Equal: ['numeric,bool,string', 'numeric,bool,string'],
  EyeLike: ['numeric,bool'],
  Gelu: ['floats'],
  GridSample: [ir3, 'floats'],
  GroupNormalization: ['floats', 'floats', 'floats'],
  IsInf: ['floats,narrow8'],
  IsNaN: ['floats,narrow8'],
  MaxPool: ['floats,int8,uint8'],
  Mish: ['floats'],
  RMSNormalization: ['floats', 'floats'],
  RandomNormal: { outputs: ['floats'] },
  RandomUniform: { outputs: ['floats'] },
  ReduceMax: [extremes],
  ReduceMin: [extremes],
  Resize: [ir4, 'float16,float32,float64', 'float32', 'int64'],
};
const ofAnyType = 'Flatten Identity Pad Reshape Shape Size Squeeze Transpose Unsqueeze';
for (const op of ofAnyType.split(' ')) rows[op] = [ir11];
const floats =
  'Acos Acosh Asin Asinh Atan Atanh AveragePool Conv ConvTranspose Cos Cosh Elu GRU GlobalAveragePool GlobalLpPool GlobalMaxPool HardSigmoid HardSwish InstanceNormalization LSTM LpNormalization LpPool MaxRoiPool MaxUnpool Multinomial RNN RoiAlign Round Selu Sin Sinh Softplus Softsign Tan ThresholdedRelu';
for (const op of floats.split(' ')) rows[op] = ['floats'];

/** @type {Record<string, { inputs: string[][], outputs: string[][] }>} */
export const specification = Object.fromEntries(
  Object.entries(rows).map(([op, row]) => {
    const expand = (texts = []) => texts.map((text) => typesOf(text));
    return [op, { inputs: expand(Array.isArray(row) ? row : row.inputs), outputs: expand(row.outputs) }];
  }),
);
