// What this suite leaves to others, with reasons. `elsewhere`: operators with a suite of their own that goes over their types.
export const elsewhere = {
  'one type each; conformance set and tests of their own':
    'StringNormalizer StringConcat StringSplit RegexFullMatch ImageDecoder',
  'experimental operators of the first years, in no specification any more': 'Crop ImageScaler',
  'tests of convolutions and attention': 'ConvInteger DeformConv Attention RotaryEmbedding TensorScatter',
};

/** Types that the specification allows and the engine refuses. */
export const refused = {
  GridSample: { types: ['string', 'complex64', 'complex128'], why: 'numbers are interpolated' },
  Col2Im: { types: ['string', 'complex64', 'complex128'], why: 'overlapping numbers are added' },
};
