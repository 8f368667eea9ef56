import { dtypes } from './abi/lists.js';
import type { Tensor } from './tensor.js';

/** Constructors of the arrays that hold tensor data. */
export type TypedArrayConstructor =
  | Float32ArrayConstructor
  | Float64ArrayConstructor
  | Int8ArrayConstructor
  | Int16ArrayConstructor
  | Int32ArrayConstructor
  | BigInt64ArrayConstructor
  | Uint8ArrayConstructor
  | Uint16ArrayConstructor
  | Uint32ArrayConstructor
  | BigUint64ArrayConstructor;

/** The data of a tensor that is not of strings. */
export type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

const arraysOf: { readonly [type in Exclude<Tensor.Type, 'string' | 'float16'>]: TypedArrayConstructor } = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  int4: Uint8Array,
  uint4: Uint8Array,
  int2: Uint8Array,
  uint2: Uint8Array,
  float4e2m1: Uint8Array,
  bfloat16: Uint16Array,
  float8e4m3fn: Uint8Array,
  float8e4m3fnuz: Uint8Array,
  float8e5m2: Uint8Array,
  float8e5m2fnuz: Uint8Array,
  float8e8m0: Uint8Array,
  complex64: Float32Array,
  complex128: Float64Array,
};
const arrays = new Map<string, TypedArrayConstructor>(Object.entries(arraysOf));
const constructors = new Map([...arrays.values()].map((array) => [array.name, array]));

// Types whose array says which type is meant; the first wins.
const inferred: readonly Tensor.Type[] = [
  'float32',
  'float64',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
];

/** `Float16Array` where the engine has it; looked up late, so that a polyfill counts. */
export function float16Array(): TypedArrayConstructor | undefined {
  return (globalThis as { Float16Array?: TypedArrayConstructor }).Float16Array;
}

/** The array that holds elements of `type`; undefined for strings and unknown types. */
export function arrayOf(type: string): TypedArrayConstructor | undefined {
  if (type === 'float16') return float16Array() ?? Uint16Array;
  return arrays.get(type);
}

/** This window's constructor for a typed array of a subclass or of another window; undefined when it is none. */
export function constructorOf(data: unknown): TypedArrayConstructor | undefined {
  if (!ArrayBuffer.isView(data)) return undefined;
  const name = (data as NumericArray)[Symbol.toStringTag] as string;
  return name === 'Float16Array' ? float16Array() : constructors.get(name);
}

/** Whether `data` is an array of `Elements`, of whatever window; a polyfill's Float16Array is no typed array itself. */
export function isArrayOf(data: unknown, Elements: TypedArrayConstructor): data is NumericArray {
  return data instanceof Elements || constructorOf(data) === Elements;
}

/** The entries in an array of their own. A subclass's `slice` may share memory: that of Node's Buffer does. */
export function copyOf<Data extends NumericArray | readonly string[]>(data: Data): Data {
  const Elements = constructorOf(data) as Float32ArrayConstructor | undefined;
  return (Elements ? new Elements(data as Float32Array) : data.slice()) as Data;
}

/** The type that a typed array stands for without further words; undefined when there is none. */
export function typeOf(data: unknown): Tensor.Type | undefined {
  const float16 = float16Array();
  if (float16 && isArrayOf(data, float16)) return 'float16';
  const array = constructorOf(data);
  return array && inferred.find((type) => array === arrays.get(type));
}

/** Entries of the data array of a tensor of `size` elements: packed below a byte, pairs for complex numbers. */
export function dataLength(type: Tensor.Type, size: number): number {
  const { bits } = dtypes[type];
  if (type === 'complex64' || type === 'complex128') return 2 * size;
  return bits > 0 && bits < 8 ? Math.ceil((size * bits) / 8) : size;
}

/** True when several elements share a byte. */
export function isPacked(type: Tensor.Type): boolean {
  return dtypes[type].bits > 0 && dtypes[type].bits < 8;
}

const names = new Map<number, Tensor.Type>(
  Object.entries(dtypes).map(([name, { number }]) => [number, name as Tensor.Type]),
);

/** The type with ONNX's number; undefined when there is none. */
export function typeNumbered(number: number): Tensor.Type | undefined {
  return names.get(number);
}
