// The messages of onnx.proto (IR version 11) by field number.
import { decode, encode, message } from './protobuf.mjs';

const types = {
  Model: () => ModelProto,
  Graph: () => GraphProto,
  Node: () => NodeProto,
  Attribute: () => AttributeProto,
  Tensor: () => TensorProto,
  SparseTensor: () => SparseTensorProto,
  ValueInfo: () => ValueInfoProto,
  Type: () => TypeProto,
  TensorType: () => TensorType,
  SequenceType: () => SequenceType,
  MapType: () => MapType,
  Shape: () => Shape,
  Dimension: () => Dimension,
  Pair: () => Pair,
  OperatorSet: () => OperatorSet,
  Function: () => FunctionProto,
  Sequence: () => SequenceProto,
  Optional: () => OptionalProto,
  Map: () => MapProto,
};
const row = (rows) => message(rows, types);

export const Pair = row({ 1: 'key string', 2: 'value string' });
export const OperatorSet = row({ 1: 'domain string', 2: 'version int' });
export const Dimension = row({ 1: 'dim_value int', 2: 'dim_param string', 3: 'denotation string' });
export const Shape = row({ 1: 'dim Dimension[]' });
export const TensorType = row({ 1: 'elem_type int', 2: 'shape Shape' });
/** Sequence and optional types have the same fields. */
export const SequenceType = row({ 1: 'elem_type Type' });
export const MapType = row({ 1: 'key_type int', 2: 'value_type Type' });
export const TypeProto = row({
  1: 'tensor_type TensorType',
  4: 'sequence_type SequenceType',
  5: 'map_type MapType',
  6: 'denotation string',
  8: 'sparse_tensor_type TensorType',
  9: 'optional_type SequenceType',
});
export const ValueInfoProto = row({ 1: 'name string', 2: 'type Type', 3: 'doc_string string' });
export const TensorProto = row({
  1: 'dims int[]',
  2: 'data_type int',
  4: 'float_data float[packed]',
  5: 'int32_data int[packed]',
  6: 'string_data bytes[]',
  7: 'int64_data int[packed]',
  8: 'name string',
  9: 'raw_data bytes',
  10: 'double_data double[packed]',
  11: 'uint64_data int[packed]',
  12: 'doc_string string',
  13: 'external_data Pair[]',
  14: 'data_location int',
});
export const SparseTensorProto = row({ 1: 'values Tensor', 2: 'indices Tensor', 3: 'dims int[]' });
export const AttributeProto = row({
  1: 'name string',
  2: 'f float',
  3: 'i int',
  4: 's bytes',
  5: 't Tensor',
  6: 'g Graph',
  7: 'floats float[]',
  8: 'ints int[]',
  9: 'strings bytes[]',
  10: 'tensors Tensor[]',
  11: 'graphs Graph[]',
  13: 'doc_string string',
  14: 'tp Type',
  15: 'type_protos Type[]',
  20: 'type int',
  21: 'ref_attr_name string',
  22: 'sparse_tensor SparseTensor',
  23: 'sparse_tensors SparseTensor[]',
});
export const NodeProto = row({
  1: 'input string[]',
  2: 'output string[]',
  3: 'name string',
  4: 'op_type string',
  5: 'attribute Attribute[]',
  6: 'doc_string string',
  7: 'domain string',
  8: 'overload string',
  9: 'metadata_props Pair[]',
});
export const GraphProto = row({
  1: 'node Node[]',
  2: 'name string',
  5: 'initializer Tensor[]',
  10: 'doc_string string',
  11: 'input ValueInfo[]',
  12: 'output ValueInfo[]',
  13: 'value_info ValueInfo[]',
  15: 'sparse_initializer SparseTensor[]',
  16: 'metadata_props Pair[]',
});
export const FunctionProto = row({
  1: 'name string',
  4: 'input string[]',
  5: 'output string[]',
  6: 'attribute string[]',
  7: 'node Node[]',
  8: 'doc_string string',
  9: 'opset_import OperatorSet[]',
  10: 'domain string',
  11: 'attribute_proto Attribute[]',
  12: 'value_info ValueInfo[]',
  13: 'overload string',
});
export const ModelProto = row({
  1: 'ir_version int',
  2: 'producer_name string',
  3: 'producer_version string',
  4: 'domain string',
  5: 'model_version int',
  6: 'doc_string string',
  7: 'graph Graph',
  8: 'opset_import OperatorSet[]',
  14: 'metadata_props Pair[]',
  25: 'functions Function[]',
});
export const SequenceProto = row({
  1: 'name string',
  2: 'elem_type int',
  3: 'tensor_values Tensor[]',
  4: 'sparse_tensor_values SparseTensor[]',
  5: 'sequence_values Sequence[]',
  6: 'map_values Map[]',
  7: 'optional_values Optional[]',
});
export const MapProto = row({
  1: 'name string',
  2: 'key_type int',
  3: 'keys int[]',
  4: 'string_keys bytes[]',
  5: 'values Sequence',
});
export const OptionalProto = row({
  1: 'name string',
  2: 'elem_type int',
  3: 'tensor_value Tensor',
  4: 'sparse_tensor_value SparseTensor',
  5: 'sequence_value Sequence',
  6: 'map_value Map',
  7: 'optional_value Optional',
});

export const readModel = (bytes) => decode(ModelProto, bytes);
export const writeModel = (model) => encode(ModelProto, model);
