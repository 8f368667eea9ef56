// The operators of ONNX 1.18 (ai.onnx 23, ai.onnx.ml 5, ai.onnx.preview.training 1) by the opset that brought them, and why
// some are not there.

/** The newest opset of each domain that the front end reads. @type {Record<string, number>} */
export const newest = { 'ai.onnx': 23, 'ai.onnx.ml': 5, 'ai.onnx.preview.training': 1, 'com.microsoft': 1 };

/** @type {Record<string, Record<number, string>>} */
const brought = {
  'ai.onnx': {
    1: `Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Clip Concat Constant Conv ConvTranspose DepthToSpace
      Div Dropout Elu Equal Exp Flatten Floor GRU Gather Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater HardSigmoid
      Hardmax Identity If InstanceNormalization LRN LSTM LeakyRelu Less Log LogSoftmax Loop LpNormalization LpPool MatMul Max
      MaxPool MaxRoiPool Mean Min Mul Neg Not Or PRelu Pad Pow RNN RandomNormal RandomNormalLike RandomUniform
      RandomUniformLike Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
      ReduceSum ReduceSumSquare Relu Reshape Selu Shape Sigmoid Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt
      Squeeze Sub Sum Tanh Tile TopK Transpose Unsqueeze Upsample Xor`,
    7: 'Acos Asin Atan Cos Multinomial Sin Tan',
    8: 'Expand Scan',
    9: `Acosh Asinh Atanh Compress ConstantOfShape Cosh Erf EyeLike IsNaN MaxUnpool MeanVarianceNormalization NonZero OneHot
      Scatter Shrink Sign Sinh TfIdfVectorizer Where`,
    10: `ConvInteger DequantizeLinear IsInf MatMulInteger Mod NonMaxSuppression QLinearConv QLinearMatMul QuantizeLinear Resize
      ReverseSequence RoiAlign StringNormalizer ThresholdedRelu`,
    11: `BitShift ConcatFromSequence CumSum Det DynamicQuantizeLinear GatherElements GatherND Range Round ScatterElements
      ScatterND SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SplitToSequence Unique`,
    12: 'Celu Einsum GreaterOrEqual LessOrEqual NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss',
    14: 'HardSwish Trilu',
    15: 'Bernoulli CastLike Optional OptionalGetElement OptionalHasElement',
    16: 'GridSample',
    17: 'BlackmanWindow DFT HammingWindow HannWindow LayerNormalization MelWeightMatrix STFT SequenceMap',
    18: 'BitwiseAnd BitwiseNot BitwiseOr BitwiseXor CenterCropPad Col2Im GroupNormalization Mish',
    19: 'DeformConv',
    20: 'AffineGrid Gelu ImageDecoder RegexFullMatch StringConcat StringSplit',
    23: 'Attention RMSNormalization RotaryEmbedding',
  },
  'ai.onnx.ml': {
    1: `ArrayFeatureExtractor Binarizer CastMap CategoryMapper DictVectorizer FeatureVectorizer Imputer LabelEncoder
      LinearClassifier LinearRegressor Normalizer OneHotEncoder SVMClassifier SVMRegressor Scaler TreeEnsembleClassifier
      TreeEnsembleRegressor ZipMap`,
    5: 'TreeEnsemble',
  },
  'ai.onnx.preview.training': { 1: 'Adagrad Adam Gradient Momentum' },
};

/** Operators that ONNX withdrew: the front end reads them as others. */
export const raised = { Upsample: 'read as Resize', Scatter: 'read as ScatterElements' };

/** Why an operator of ONNX is missing; others are missing for now. @type {Record<string, string>} */
export const reasons = {
  Gradient:
    'differentiates a part of the graph: a training tool, not an operator that models are exported with',
};

/** @returns {Map<string, number>} "domain name" to the opset that brought the operator */
export function sinceByName() {
  const since = new Map();
  for (const [domain, versions] of Object.entries(brought)) {
    for (const [version, names] of Object.entries(versions))
      for (const name of names.split(/\s+/)) since.set(`${domain} ${name}`, Number(version));
  }
  return since;
}
