// ONNX values as plain data: a tensor is { type, dims, data }, a sequence an array, a map a Map, an empty optional null.
// Types that JavaScript has no numbers for keep their bits: 16-bit floats in Uint16Array, 8-bit floats in Uint8Array;
// types below a byte are packed as in ONNX, first element in the low bits.
import * as onnx from './onnx.mjs';
import { decode } from './protobuf.mjs';

/** TensorProto.DataType number -> name, typed array, bits per element. */
export const dtypes = [
  undefined,
  { name: 'float32', array: Float32Array, bits: 32 },
  { name: 'uint8', array: Uint8Array, bits: 8 },
  { name: 'int8', array: Int8Array, bits: 8 },
  { name: 'uint16', array: Uint16Array, bits: 16 },
  { name: 'int16', array: Int16Array, bits: 16 },
  { name: 'int32', array: Int32Array, bits: 32 },
  { name: 'int64', array: BigInt64Array, bits: 64 },
  { name: 'string', array: undefined, bits: 0 },
  { name: 'bool', array: Uint8Array, bits: 8 },
  { name: 'float16', array: Uint16Array, bits: 16 },
  { name: 'float64', array: Float64Array, bits: 64 },
  { name: 'uint32', array: Uint32Array, bits: 32 },
  { name: 'uint64', array: BigUint64Array, bits: 64 },
  { name: 'complex64', array: Float32Array, bits: 64 },
  { name: 'complex128', array: Float64Array, bits: 128 },
  { name: 'bfloat16', array: Uint16Array, bits: 16 },
  { name: 'float8e4m3fn', array: Uint8Array, bits: 8 },
  { name: 'float8e4m3fnuz', array: Uint8Array, bits: 8 },
  { name: 'float8e5m2', array: Uint8Array, bits: 8 },
  { name: 'float8e5m2fnuz', array: Uint8Array, bits: 8 },
  { name: 'uint4', array: Uint8Array, bits: 4 },
  { name: 'int4', array: Uint8Array, bits: 4 },
  { name: 'float4e2m1', array: Uint8Array, bits: 4 },
  { name: 'float8e8m0', array: Uint8Array, bits: 8 },
  { name: 'uint2', array: Uint8Array, bits: 2 },
  { name: 'int2', array: Uint8Array, bits: 2 },
];

const text = new TextDecoder();

/** @param {object} proto a decoded TensorProto without external data */
export function tensorValue(proto) {
  const { name, array, bits } = dtypes[proto.data_type] ?? {};
  if (!name) throw new Error(`TensorProto of type ${proto.data_type}`);
  const dims = proto.dims ?? [];
  if (name === 'string')
    return { type: name, dims, data: (proto.string_data ?? []).map((bytes) => text.decode(bytes)) };
  if (proto.raw_data) return { type: name, dims, data: new array(new Uint8Array(proto.raw_data).buffer) };
  const numbers =
    proto.float_data ?? proto.double_data ?? proto.int64_data ?? proto.uint64_data ?? proto.int32_data ?? [];
  if (array === BigInt64Array || array === BigUint64Array)
    return { type: name, dims, data: array.from(numbers, (n) => array.of(BigInt(n))[0]) };
  // int32_data holds one entry per byte for types below a byte, one per element otherwise.
  const mask = bits < 8 || name === 'bool' ? 255 : undefined;
  return { type: name, dims, data: array.from(numbers, (n) => (mask ? n & mask : n)) };
}

function sequenceValue(proto) {
  if (proto.tensor_values) return proto.tensor_values.map(tensorValue);
  if (proto.sequence_values) return proto.sequence_values.map(sequenceValue);
  if (proto.map_values) return proto.map_values.map(mapValue);
  if (proto.optional_values) return proto.optional_values.map(optionalValue);
  return [];
}

function mapValue(proto) {
  const keys = proto.string_keys?.map((bytes) => text.decode(bytes)) ?? proto.keys ?? [];
  const values = sequenceValue(proto.values ?? {});
  return new Map(keys.map((key, i) => [key, values[i]]));
}

function optionalValue(proto) {
  if (proto.tensor_value) return tensorValue(proto.tensor_value);
  if (proto.sequence_value) return sequenceValue(proto.sequence_value);
  if (proto.map_value) return mapValue(proto.map_value);
  if (proto.optional_value) return optionalValue(proto.optional_value);
  return null;
}

/**
 * Reads a `.pb` file of the ONNX test data; what it holds follows from the type the model declares.
 * @param {Uint8Array} bytes
 * @param {object} type a decoded TypeProto
 */
export function readValue(bytes, type) {
  if (type?.sequence_type) return sequenceValue(decode(onnx.SequenceProto, bytes));
  if (type?.map_type) return mapValue(decode(onnx.MapProto, bytes));
  if (type?.optional_type) return optionalValue(decode(onnx.OptionalProto, bytes));
  const value = tensorValue(decode(onnx.TensorProto, bytes));
  // Older test data keep bfloat16 bits in a uint16 tensor.
  const declared = dtypes[type?.tensor_type?.elem_type]?.name;
  return declared === 'bfloat16' && value.type === 'uint16' ? { ...value, type: declared } : value;
}

export const isTensor = (value) => value !== null && typeof value === 'object' && 'dims' in value;

/**
 * The same value with every tensor replaced by what `make(type, data, dims)` returns.
 * @param {(type: string, data: any, dims: number[]) => any} make
 */
export function mapTensors(value, make) {
  if (Array.isArray(value)) return value.map((item) => mapTensors(item, make));
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, mapTensors(item, make)]));
  return isTensor(value) ? make(value.type, value.data, value.dims) : value;
}
