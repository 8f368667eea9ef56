import {
  arrayOf,
  dataLength,
  type NumericArray,
  type TypedArrayConstructor,
  typeNumbered,
} from '../dtypes.js';
import { KingletError } from '../errors.js';
import type { Tensor } from '../tensor.js';
import type { Abi, Address, Handle } from './abi.js';
import { type Heap, packStrings, unpackStrings } from './heap.js';
import { dtypes } from './lists.js';
import type { Wire } from './types.js';

/** Copies a value into the engine. The caller releases the handle. */
export function writeValue(abi: Abi, value: Wire): Handle {
  if (value === null) return abi.noneNew();
  if (value.kind === 'tensor') return writeTensor(abi, value);
  if (value.kind === 'map') {
    const keys = writeValue(abi, value.keys);
    const values = writeValue(abi, value.values);
    const map = abi.mapNew(keys, values);
    abi.release(keys);
    abi.release(values);
    return map;
  }
  const sequence = abi.sequenceNew();
  for (const item of value.items) {
    const handle = writeValue(abi, item);
    abi.sequencePush(sequence, handle);
    abi.release(handle);
  }
  return sequence;
}

type TensorWire = Extract<Wire, { kind: 'tensor' }>;
/** A tensor that is not of strings. */
export type NumericTensor = Omit<TensorWire, 'data'> & { readonly data: NumericArray };

export const isNumeric = (value: Wire): value is NumericTensor =>
  value?.kind === 'tensor' && value.type !== 'string' && !Array.isArray(value.data);

/** The elements. Fails with `invalid_input` when there are too few. */
export function elementsOf({ type, dims, data }: NumericTensor): NumericArray {
  const length = dataLength(
    type,
    dims.reduce((product, dim) => product * dim, 1),
  );
  if (data.length === length) return data;
  // The tensor's constructor checked this; data that was detached since has no length.
  if (data.length < length)
    throw new KingletError('invalid_input', `${data.length} entries for dimensions [${dims}]`);
  return data.subarray(0, length);
}

function writeTensor(abi: Abi, wire: TensorWire): Handle {
  const { type, dims, data } = wire;
  if (type === 'string') {
    const packed = packStrings(data as string[]);
    const bytes = abi.bytesNew(packed.length);
    abi.heap.write(abi.bytesData(bytes), packed);
    const tensor = abi.stringsNew(dims, bytes);
    abi.release(bytes);
    return tensor;
  }
  // Refuses dimensions that are none before elements are counted.
  const tensor = abi.tensorNew(dtypes[type].number, dims);
  try {
    abi.heap.write(abi.tensorData(tensor), elementsOf(wire as NumericTensor));
  } catch (error) {
    abi.release(tensor);
    throw error;
  }
  return tensor;
}

/** Copies a value out of the engine. */
export function readValue(abi: Abi, handle: Handle): Wire {
  const kind = abi.valueKind(handle);
  if (kind === 1) return readTensor(abi, handle);
  if (kind === 2) {
    const items = Array.from({ length: abi.sequenceLength(handle) }, (_, i) =>
      readAndRelease(abi, abi.sequenceItem(handle, i)),
    );
    return { kind: 'sequence', items };
  }
  if (kind === 3) {
    const keys = readAndRelease(abi, abi.mapKeys(handle));
    return { kind: 'map', keys, values: readAndRelease(abi, abi.mapValues(handle)) };
  }
  return null;
}

/** The same for a value that is nobody else's. */
export function readAndRelease(abi: Abi, handle: Handle): Wire {
  try {
    return readValue(abi, handle);
  } finally {
    abi.release(handle);
  }
}

/** The type with ONNX's number. */
export function typeOfResult(number: number): Tensor.Type {
  const type = typeNumbered(number);
  if (!type) throw new KingletError('internal', `a result has element type ${number}`);
  return type;
}

function readTensor(abi: Abi, handle: Handle): Wire {
  const type = typeOfResult(abi.tensorDtype(handle));
  const dims = abi.heap.ints(abi.tensorDims(handle), abi.tensorRank(handle));
  if (type === 'string') {
    const packed = abi.tensorStrings(handle);
    const bytes = abi.heap.copy(abi.bytesData(packed), abi.bytesSize(packed));
    abi.release(packed);
    return {
      kind: 'tensor',
      type,
      dims,
      data: unpackStrings(
        bytes,
        dims.reduce((a, b) => a * b, 1),
      ),
    };
  }
  const data = readElements(abi.heap, type, abi.tensorData(handle), abi.tensorBytes(handle));
  return { kind: 'tensor', type, dims, data };
}

/** A copy of the elements of a tensor that is not of strings. */
export function readElements(heap: Heap, type: Tensor.Type, at: Address, bytes: number): NumericArray {
  const array = arrayOf(type) as TypedArrayConstructor;
  return heap.read(array, at, bytes / array.BYTES_PER_ELEMENT);
}
