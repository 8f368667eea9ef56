// Between what users hold (Tensor, array, Map, null) and what crosses threads.
import type { PortType, Wire } from '../abi/types.js';
import { dataLength, type NumericArray } from '../dtypes.js';
import { KingletError } from '../errors.js';
import { Tensor } from '../tensor.js';

/** A key of an ONNX map: int64 keys are bigint, as in a BigInt64Array; a map that is fed may have numbers for them. */
export type MapKey = string | number | bigint;
/** A value of an ONNX map, or an entry of a tensor. */
export type MapValue = string | number | bigint | OnnxValue;
/** What goes into and comes out of a session: a tensor, a sequence, a map, or null for an empty optional. */
export type OnnxValue = Tensor | readonly OnnxValue[] | ReadonlyMap<MapKey, MapValue> | null;

type TensorWire = Extract<Wire, { kind: 'tensor' }>;

/** A user's value for an input of the given type. `input` is its name, for errors. */
export function toWire(value: unknown, type: PortType, input: string): Wire {
  if (value === null) {
    if (type.kind !== 'optional') throw refusal(input, 'cannot be null');
    return null;
  }
  if (type.kind === 'optional' && type.element) return toWire(value, type.element, input);
  if (isTensor(value)) return tensorToWire(value, input);
  if (Array.isArray(value)) {
    const element: PortType = (type.kind === 'sequence' && type.element) || { kind: 'unknown' };
    return { kind: 'sequence', items: value.map((item) => toWire(item, element, input)) };
  }
  if (value instanceof Map && type.kind === 'map') return mapToWire(value, type, input);
  throw refusal(input, 'is not a value that fits its type');
}

function refusal(input: string, detail: string): KingletError {
  return new KingletError('invalid_input', `input '${input}' ${detail}`, { context: { input } });
}

/** Tensors of onnxruntime-common and others are as good as ours. */
function isTensor(value: unknown): value is Tensor {
  return (
    value instanceof Tensor ||
    (typeof value === 'object' && value !== null && 'type' in value && 'dims' in value && 'data' in value)
  );
}

function tensorToWire(given: Tensor, input: string): TensorWire {
  const { location } = given;
  if (location === 'none') throw refusal(input, 'is a disposed tensor');
  if (location !== undefined && !location.startsWith('cpu')) throw refusal(input, `is in a ${location}`);
  const { type, dims, size, data } = given instanceof Tensor ? given : ownTensor(given, input);
  const entries = dataLength(type, size);
  if (data.length < entries)
    throw refusal(
      input,
      `has ${data.length} of ${entries} entries left: its array was transferred or shrunk`,
    );
  return { kind: 'tensor', type, dims, data: data as NumericArray | string[] };
}

/** Other makers' tensors hold what they like. */
function ownTensor({ type, data, dims }: Tensor, input: string): Tensor {
  try {
    return new Tensor(type, data, dims);
  } catch (error) {
    const { message } = error as Error;
    throw new KingletError('invalid_input', `input '${input}' is no tensor: ${message}`, {
      context: { input },
      cause: error,
    });
  }
}

function mapToWire(
  map: Map<unknown, unknown>,
  type: Extract<PortType, { kind: 'map' }>,
  input: string,
): Wire {
  const tensor = (elementType: Tensor.Type, values: unknown[]): TensorWire => {
    const { data } = new Tensor(elementType, values as number[]);
    return {
      kind: 'tensor',
      type: elementType,
      dims: [values.length],
      data: data as NumericArray | string[],
    };
  };
  const keys = tensor(type.dtype, [...map.keys()]);
  const { element } = type;
  const values = [...map.values()];
  if (element?.kind === 'tensor' && !values.some(isTensor))
    return { kind: 'map', keys, values: tensor(element.dtype, values) };
  return {
    kind: 'map',
    keys,
    values: toWire(values, { kind: 'sequence', ...(element && { element }) }, input),
  };
}

/** What a user gets for a result. */
export function fromWire(value: Wire): OnnxValue {
  if (value === null) return null;
  if (value.kind === 'tensor')
    return new Tensor(value.type, value.data as Float32Array, value.dims as number[]);
  if (value.kind === 'sequence') return value.items.map(fromWire);
  const keys = entries(value.keys as TensorWire);
  const held = value.values;
  const values: MapValue[] =
    held?.kind === 'sequence' ? held.items.map(fromWire) : entries(held as TensorWire);
  return new Map(keys.map((key, i) => [key, values[i] as MapValue]));
}

function entries({ data }: TensorWire): MapKey[] {
  return Array.from(data as ArrayLike<MapKey>);
}

/** Copies a result into a tensor that the user gave for it. */
export function fill(target: Tensor, value: Wire, output: string): void {
  const refuse = (detail: string) =>
    new KingletError('invalid_input', `the tensor for output '${output}' ${detail}`, { context: { output } });
  if (value?.kind !== 'tensor') throw refuse('cannot hold a value that is not a tensor');
  if (target.type !== value.type) throw refuse(`is of type ${target.type}; the result is ${value.type}`);
  if (target.dims.length !== value.dims.length || target.dims.some((dim, i) => dim !== value.dims[i])) {
    throw refuse(`has dimensions [${target.dims}]; the result has [${value.dims}]`);
  }
  if (Array.isArray(value.data)) (target.data as string[]).splice(0, value.data.length, ...value.data);
  else (target.data as Uint8Array).set(value.data as Uint8Array);
}
