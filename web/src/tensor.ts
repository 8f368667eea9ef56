import {
  arrayOf,
  dataLength,
  float16Array,
  isArrayOf,
  isPacked,
  type NumericArray,
  typeOf,
} from './dtypes.js';
import { KingletError } from './errors.js';
import {
  fromImage,
  type ImageSource,
  type TensorFromImageOptions,
  type TensorToImageOptions,
  toDataURL,
  toImageData,
} from './image.js';

export type { ImageFormat, ImageSource, TensorFromImageOptions, TensorToImageOptions } from './image.js';

export declare namespace Tensor {
  /** The array that holds a type's data. Elements narrower than a byte are packed, low bits first. */
  interface DataTypeMap {
    float32: Float32Array;
    uint8: Uint8Array;
    int8: Int8Array;
    uint16: Uint16Array;
    int16: Int16Array;
    int32: Int32Array;
    int64: BigInt64Array;
    string: string[];
    bool: Uint8Array;
    /** A Float16Array in engines that have it, otherwise the bits in a Uint16Array. */
    float16: Uint16Array;
    float64: Float64Array;
    uint32: Uint32Array;
    uint64: BigUint64Array;
    uint4: Uint8Array;
    int4: Uint8Array;
    uint2: Uint8Array;
    int2: Uint8Array;
    float4e2m1: Uint8Array;
    /** The bits. */
    bfloat16: Uint16Array;
    float8e4m3fn: Uint8Array;
    float8e4m3fnuz: Uint8Array;
    float8e5m2: Uint8Array;
    float8e5m2fnuz: Uint8Array;
    float8e8m0: Uint8Array;
    /** Real and imaginary parts in turn. */
    complex64: Float32Array;
    complex128: Float64Array;
  }
  interface ElementTypeMap {
    float32: number;
    uint8: number;
    int8: number;
    uint16: number;
    int16: number;
    int32: number;
    int64: bigint;
    string: string;
    bool: boolean;
    float16: number;
    float64: number;
    uint32: number;
    uint64: bigint;
    uint4: number;
    int4: number;
  }
  type Type = keyof DataTypeMap;
  type DataType = DataTypeMap[Type];
  type ElementType = ElementTypeMap[keyof ElementTypeMap];
  type CpuPinnedDataTypes = Exclude<Type, 'string'>;
  /** Where the data is. Kinglet makes `cpu`, `cpu-pinned` and, once disposed, `none`. */
  type DataLocation = 'none' | 'cpu' | 'cpu-pinned' | 'texture' | 'gpu-buffer' | 'ml-tensor';
}

/** A dense row-major array with a type and dimensions, to feed to or fetch from a model. */
export interface TypedTensor<T extends Tensor.Type> {
  readonly dims: readonly number[];
  readonly type: T;
  /** Number of elements: the product of `dims`. */
  readonly size: number;
  /** The data itself, not a copy. Throws once the tensor is disposed. */
  readonly data: Tensor.DataTypeMap[T];
  readonly location: Tensor.DataLocation;
  /** Throws: data is never in a WebGL texture. */
  readonly texture: never;
  /** Throws: data is never in a WebGPU buffer. */
  readonly gpuBuffer: never;
  /** Throws: data is never in a WebNN tensor. */
  readonly mlTensor: never;
  /** `data`, as a promise. */
  getData(releaseData?: boolean): Promise<Tensor.DataTypeMap[T]>;
  /** Lets go of the data; the tensor cannot be used afterwards. */
  dispose(): void;
  /** A tensor that shares the data, with other dimensions of the same product. */
  reshape(dims: readonly number[]): TypedTensor<T>;
  /** The picture as a data URL; needs a page's canvas. */
  toDataURL(options?: TensorToImageOptions): string;
  /** The picture in a tensor of one image, three or four channels. */
  toImageData(options?: TensorToImageOptions): ImageData;
}

export interface Tensor extends TypedTensor<Tensor.Type> {}

/** Data in memory that is used as it is, without a copy. */
export interface CpuPinnedParameters<T extends Tensor.CpuPinnedDataTypes = Tensor.CpuPinnedDataTypes> {
  readonly location: 'cpu-pinned';
  readonly type: T;
  readonly data: Tensor.DataTypeMap[T];
  readonly dims: readonly number[];
}

type Wide = 'int64' | 'uint64';

export interface TensorConstructor {
  /** `data` is kept, not copied, when it is the type's own array. Without `dims` the tensor is one-dimensional. */
  new (type: 'string', data: readonly string[], dims?: readonly number[]): TypedTensor<'string'>;
  new (type: 'bool', data: Uint8Array | readonly boolean[], dims?: readonly number[]): TypedTensor<'bool'>;
  new (type: 'uint8', data: Uint8ClampedArray, dims?: readonly number[]): TypedTensor<'uint8'>;
  new <T extends Wide>(
    type: T,
    data: Tensor.DataTypeMap[T] | readonly bigint[] | readonly number[],
    dims?: readonly number[],
  ): TypedTensor<T>;
  new <T extends Exclude<Tensor.Type, 'string' | 'bool' | Wide>>(
    type: T,
    data: Tensor.DataTypeMap[T] | readonly number[],
    dims?: readonly number[],
  ): TypedTensor<T>;
  new (data: Float32Array, dims?: readonly number[]): TypedTensor<'float32'>;
  new (data: Int8Array, dims?: readonly number[]): TypedTensor<'int8'>;
  new (data: Uint8Array | Uint8ClampedArray, dims?: readonly number[]): TypedTensor<'uint8'>;
  new (data: Uint16Array, dims?: readonly number[]): TypedTensor<'uint16'>;
  new (data: Int16Array, dims?: readonly number[]): TypedTensor<'int16'>;
  new (data: Int32Array, dims?: readonly number[]): TypedTensor<'int32'>;
  new (data: BigInt64Array, dims?: readonly number[]): TypedTensor<'int64'>;
  new (data: readonly string[], dims?: readonly number[]): TypedTensor<'string'>;
  new (data: readonly boolean[], dims?: readonly number[]): TypedTensor<'bool'>;
  new (data: Float64Array, dims?: readonly number[]): TypedTensor<'float64'>;
  new (data: Uint32Array, dims?: readonly number[]): TypedTensor<'uint32'>;
  new (data: BigUint64Array, dims?: readonly number[]): TypedTensor<'uint64'>;
  new (
    type: Tensor.Type,
    data: Tensor.DataType | readonly number[] | readonly string[] | readonly bigint[] | readonly boolean[],
    dims?: readonly number[],
  ): Tensor;
  new (data: Tensor.DataType, dims?: readonly number[]): Tensor;
  new <T extends Tensor.CpuPinnedDataTypes>(parameters: CpuPinnedParameters<T>): TypedTensor<T>;

  /** A tensor of one image: [1,C,H,W], or [1,H,W,C] for `tensorLayout: 'NHWC'`; each value (pixel + bias) / mean. */
  fromImage(
    image: ImageSource,
    options?: TensorFromImageOptions,
  ): Promise<TypedTensor<'float32'> | TypedTensor<'uint8'>>;
  fromPinnedBuffer<T extends Tensor.CpuPinnedDataTypes>(
    type: T,
    buffer: Tensor.DataTypeMap[T],
    dims?: readonly number[],
  ): TypedTensor<T>;
  /** Throws `unsupported_feature`: Kinglet computes on the CPU. */
  fromTexture(texture: unknown, options?: unknown): never;
  /** Throws `unsupported_feature`: Kinglet computes on the CPU. */
  fromGpuBuffer(buffer: unknown, options?: unknown): never;
  /** Throws `unsupported_feature`: Kinglet computes on the CPU. */
  fromMLTensor(tensor: unknown, options?: unknown): never;
}

type Data = NumericArray | string[];

function sizeOf(dims: readonly number[]): number {
  dims.forEach((dim, i) => {
    if (!Number.isSafeInteger(dim)) throw new TypeError(`dims[${i}] must be an integer, got: ${dim}`);
    if (dim < 0) throw new RangeError(`dims[${i}] must be a non-negative integer, got: ${dim}`);
  });
  return dims.reduce((product, dim) => product * dim, 1);
}

function cpuOnly(what: string): KingletError {
  const detail = `Kinglet computes on the CPU; ${what} cannot hold its tensors`;
  return new KingletError('unsupported_feature', detail, { message: detail });
}

/** The data for `new Tensor(type, data)`. */
function dataAs(type: Tensor.Type, data: unknown): Data {
  if (type === 'string') {
    if (!Array.isArray(data)) throw new TypeError("A string tensor's data must be a string array.");
    return data as string[];
  }
  const array = arrayOf(type);
  if (!array) throw new TypeError(`Unsupported tensor type: ${type}.`);
  if (isArrayOf(data, array)) return data;
  if (Array.isArray(data)) {
    const bitsOnly =
      type.startsWith('float8') || type === 'bfloat16' || (type === 'float16' && !float16Array());
    if (bitsOnly || isPacked(type)) {
      const advice = `Please use ${array.name} as data.`;
      throw new TypeError(`Creating a ${type} tensor from number array is not supported. ${advice}`);
    }
    if (type === 'int64' || type === 'uint64') return (array as BigInt64ArrayConstructor).from(data, BigInt);
    return (array as Float32ArrayConstructor).from(data);
  }
  if (data instanceof Uint8ClampedArray) {
    if (type === 'uint8') return Uint8Array.from(data);
    throw new TypeError("A Uint8ClampedArray tensor's data must be type of uint8");
  }
  if (type === 'float16' && isArrayOf(data, Uint16Array)) {
    const { buffer, byteOffset, length } = data;
    return new (array as Uint16ArrayConstructor)(buffer, byteOffset, length);
  }
  throw new TypeError(`A ${type} tensor's data must be type of ${array}`);
}

/** Type and data for `new Tensor(data)`. */
function inferFrom(data: unknown): [Tensor.Type, Data] {
  if (Array.isArray(data)) {
    if (data.length === 0) throw new TypeError('Tensor type cannot be inferred from an empty array.');
    const first = typeof data[0];
    if (first === 'string') return ['string', data as string[]];
    if (first === 'boolean') return ['bool', Uint8Array.from(data as number[])];
    throw new TypeError(`Invalid element type of data array: ${first}.`);
  }
  if (data instanceof Uint8ClampedArray) return ['uint8', Uint8Array.from(data)];
  const type = typeOf(data);
  if (!type) throw new TypeError(`Unsupported type for tensor data: ${(data as object).constructor}.`);
  return [type, data as Data];
}

class CpuTensor {
  readonly dims: readonly number[];
  readonly type: Tensor.Type;
  readonly size: number;
  private cpuData: Data | undefined;
  private dataLocation: Tensor.DataLocation = 'cpu';

  constructor(arg0: unknown, arg1?: unknown, arg2?: unknown) {
    let dims: unknown;
    if (typeof arg0 === 'object' && arg0 !== null && 'location' in arg0) {
      const pinned = arg0 as CpuPinnedParameters;
      if (pinned.location !== 'cpu-pinned') {
        const message = `Tensor constructor: unsupported location '${pinned.location}'`;
        throw new KingletError('unsupported_feature', message, { message });
      }
      const array = arrayOf(pinned.type);
      if (!array)
        throw new TypeError(`unsupported type "${pinned.type}" to create tensor from pinned buffer`);
      if (!isArrayOf(pinned.data, array)) throw new TypeError(`buffer should be of type ${array.name}`);
      this.type = pinned.type;
      this.cpuData = pinned.data;
      this.dataLocation = 'cpu-pinned';
      dims = pinned.dims;
    } else if (typeof arg0 === 'string') {
      this.type = arg0 as Tensor.Type;
      this.cpuData = dataAs(this.type, arg1);
      dims = arg2;
    } else {
      [this.type, this.cpuData] = inferFrom(arg0);
      dims = arg1;
    }
    const length = this.data.length;
    if (dims === undefined) dims = [length];
    else if (!Array.isArray(dims)) throw new TypeError("A tensor's dims must be a number array");
    this.dims = dims as number[];
    this.size = sizeOf(this.dims);
    // Packed types also take one array entry per element, as onnxruntime-common does; the rest is not read.
    if (length !== dataLength(this.type, this.size) && !(isPacked(this.type) && length === this.size)) {
      throw new KingletError('invalid_argument', `${length} entries for dimensions [${this.dims}]`, {
        message: `Tensor's size(${this.size}) does not match data length(${length}).`,
      });
    }
  }

  static async fromImage(image: ImageSource, options?: TensorFromImageOptions): Promise<CpuTensor> {
    const { type, data, dims } = await fromImage(image, options);
    return new CpuTensor(type, data, dims);
  }

  static fromPinnedBuffer(type: Tensor.Type, data: NumericArray, dims?: readonly number[]): CpuTensor {
    return new CpuTensor({ location: 'cpu-pinned', type, data, dims: dims ?? [data.length] });
  }

  static fromTexture(): never {
    throw cpuOnly('a WebGL texture');
  }

  static fromGpuBuffer(): never {
    throw cpuOnly('a WebGPU buffer');
  }

  static fromMLTensor(): never {
    throw cpuOnly('a WebNN tensor');
  }

  get data(): Data {
    if (!this.cpuData) throw new Error('The tensor is disposed.');
    return this.cpuData;
  }

  get location(): Tensor.DataLocation {
    return this.dataLocation;
  }

  get texture(): never {
    throw new Error('The data is not stored as a WebGL texture.');
  }

  get gpuBuffer(): never {
    throw new Error('The data is not stored as a WebGPU buffer.');
  }

  get mlTensor(): never {
    throw new Error('The data is not stored as a WebNN MLTensor.');
  }

  async getData(): Promise<Data> {
    return this.data;
  }

  dispose(): void {
    this.cpuData = undefined;
    this.dataLocation = 'none';
  }

  reshape(dims: readonly number[]): CpuTensor {
    const { data, type } = this;
    if (this.dataLocation === 'cpu') return new CpuTensor(type, data, dims);
    return CpuTensor.fromPinnedBuffer(type, data as NumericArray, dims);
  }

  toDataURL(options?: TensorToImageOptions): string {
    return toDataURL(this as unknown as Tensor, options);
  }

  toImageData(options?: TensorToImageOptions): ImageData {
    return toImageData(this as unknown as Tensor, options);
  }
}

Object.defineProperty(CpuTensor, 'name', { value: 'Tensor' });

export const Tensor = CpuTensor as unknown as TensorConstructor;
