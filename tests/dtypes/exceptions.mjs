// What this suite leaves to others, with reasons. `elsewhere`: operators with a suite of their own that goes over their types.
export const elsewhere = {
  'tests of quantised operators':
    'QuantizeLinear DequantizeLinear DynamicQuantizeLinear ConvInteger MatMulInteger QLinearConv QLinearMatMul',
  'tests of signals, texts and losses':
    'BlackmanWindow HannWindow HammingWindow MelWeightMatrix DFT STFT Einsum Det DeformConv StringNormalizer StringConcat StringSplit RegexFullMatch TfIdfVectorizer NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss ImageDecoder',
  'tests of com.microsoft and attention': 'Attention RotaryEmbedding TensorScatter',
};

/** Types that the specification allows and the engine refuses. */
export const refused = {
  GridSample: { types: ['string', 'complex64', 'complex128'], why: 'numbers are interpolated' },
  Col2Im: { types: ['string', 'complex64', 'complex128'], why: 'overlapping numbers are added' },
};
