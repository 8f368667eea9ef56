// Tensor against onnxruntime-common's own, on the same calls.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { KingletError, Tensor } from 'kinglet';
import { Tensor as Judge } from 'onnxruntime-common';

/** What a call gave: the tensor's public face, or the error's class and words. */
async function outcome(call, TensorClass) {
  try {
    const tensor = await call(TensorClass);
    const { type, dims, size, location } = tensor;
    return { type, dims, size, location, array: tensor.data.constructor.name, data: [...tensor.data] };
  } catch (error) {
    const known = [TypeError, RangeError].find((type) => error instanceof type) ?? Error;
    assert.ok(error instanceof known);
    return { error: known.name, message: error.message };
  }
}

const numeric = 'float32 float64 int8 int16 int32 uint8 uint16 uint32 bool'.split(' ');
const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  bool: Uint8Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float16: Uint16Array,
  int4: Uint8Array,
  uint4: Uint8Array,
};

const calls = {
  'type and number array': numeric.map((type) => (T) => new T(type, [1, 0, 3], [3])),
  'type and typed array': Object.entries(arrays).map(
    ([type, array]) =>
      (T) =>
        new T(type, new array(4), type.endsWith('int4') ? [7] : [2, 2]),
  ),
  'typed array alone': Object.values(arrays).map((array) => (T) => new T(new array(6))),
  'typed array and dims': Object.values(arrays).map((array) => (T) => new T(new array(6), [2, 3])),
  'wrong array for the type': Object.keys(arrays).map(
    (type) => (T) => new T(type, new DataView(new ArrayBuffer(4))),
  ),
  '64-bit integers': [
    (T) => new T('int64', [1, -2, 3]),
    (T) => new T('int64', [1n, -2n], [2]),
    (T) => new T('uint64', [1n, 2]),
    (T) => new T('int64', [1.5]),
    (T) => new T('int64', new Int32Array(2)),
  ],
  'narrow types from numbers': ['float16', 'int4', 'uint4'].map((type) => (T) => new T(type, [1, 2], [2])),
  strings: [
    (T) => new T('string', ['a', 'b'], [2, 1]),
    (T) => new T(['a', 'b']),
    (T) => new T('string', 'a'),
    (T) => new T('string', []),
    (T) => new T('string', ['a'], []),
  ],
  booleans: [
    (T) => new T([true, false]),
    (T) => new T('bool', [true, false], [1, 2]),
    (T) => new T([1, 2]),
    (T) => new T([]),
  ],
  clamped: [
    (T) => new T(Uint8ClampedArray.of(1, 2)),
    (T) => new T('uint8', Uint8ClampedArray.of(1, 2), [1, 2]),
    (T) => new T('int8', Uint8ClampedArray.of(1, 2)),
  ],
  dims: [
    (T) => new T('float32', new Float32Array(1), []),
    (T) => new T('float32', new Float32Array(0), [0, 3]),
    (T) => new T('float32', new Float32Array(6), [2, 2]),
    (T) => new T('float32', new Float32Array(6), [-2, -3]),
    (T) => new T('float32', new Float32Array(6), [2.5]),
    (T) => new T('float32', new Float32Array(6), ['6']),
    (T) => new T('float32', new Float32Array(6), 6),
    (T) => new T('float32', new Float32Array(6), null),
    (T) => new T('uint4', new Uint8Array(3), [2, 3]),
    (T) => new T('uint4', new Uint8Array(3), [5]),
    (T) => new T('uint4', new Uint8Array(3), [7]),
    (T) => new T('uint4', new Uint8Array(3)),
  ],
  'what is no tensor': [
    (T) => new T('float33', [1]),
    (T) => new T(new DataView(new ArrayBuffer(4))),
    (T) => new T('float32', undefined),
    (T) => new T([{}]),
  ],
  'pinned buffers': [
    (T) => T.fromPinnedBuffer('float32', new Float32Array(4), [2, 2]),
    (T) => T.fromPinnedBuffer('int64', new BigInt64Array(4)),
    (T) => T.fromPinnedBuffer('float32', new Float64Array(4)),
    (T) => T.fromPinnedBuffer('string', ['a']),
    (T) => new T({ location: 'cpu-pinned', type: 'uint8', data: new Uint8Array(2), dims: [2] }),
    (T) => new T({ location: 'cpu-pinned', type: 'uint8', data: new Uint8Array(2), dims: [3] }),
    (T) => new T({ location: 'moon', type: 'uint8', data: new Uint8Array(2), dims: [2] }),
  ],
  reshape: [
    (T) => new T(new Float32Array(6)).reshape([3, 2]),
    (T) => new T(new Float32Array(6)).reshape([4]),
    (T) => new T(['a', 'b']).reshape([2, 1]),
    (T) => T.fromPinnedBuffer('int8', new Int8Array(4)).reshape([2, 2]),
  ],
  'after dispose': ['data', 'texture', 'gpuBuffer', 'mlTensor'].flatMap((property) => [
    (T) => new T(new Float32Array(2))[property],
    (T) => {
      const tensor = new T(new Float32Array(2));
      tensor.dispose();
      assert.equal(tensor.location, 'none');
      return property === 'data' ? tensor.data : tensor.getData();
    },
    (T) => {
      const tensor = new T(new Float32Array(2));
      tensor.dispose();
      return tensor.reshape([2]);
    },
  ]),
};

// ImageData as browsers have it; the judge looks for the class.
class PlainImageData {
  constructor(data, width, height) {
    Object.assign(this, { data, width, height });
  }
}

describe('Tensor does what onnxruntime-common does', () => {
  for (const [name, list] of Object.entries(calls)) {
    test(name, async () => {
      for (const call of list) {
        assert.deepEqual(await outcome(call, Tensor), await outcome(call, Judge), `${call}`);
      }
    });
  }

  test('data is kept, not copied', async () => {
    for (const T of [Tensor, Judge]) {
      const data = new Float32Array(4);
      const tensor = new T('float32', data, [4]);
      assert.equal(tensor.data, data);
      assert.equal(await tensor.getData(), data);
      assert.equal(tensor.reshape([2, 2]).data, data);
    }
  });

  test('fromImage reads ImageData', async () => {
    globalThis.ImageData = PlainImageData;
    try {
      const pixels = Uint8ClampedArray.from({ length: 4 * 6 }, (_, i) => (i * 37) % 256);
      const image = new PlainImageData(pixels, 3, 2);
      assert.deepEqual(
        await outcome((T) => T.fromImage(image), Tensor),
        await outcome((T) => T.fromImage(image), Judge),
      );
    } finally {
      delete globalThis.ImageData;
    }
  });
});

describe('Tensor beyond onnxruntime-common', () => {
  test('float16 keeps the bits of a Uint16Array', () => {
    const tensor = new Tensor('float16', Uint16Array.of(0x3c00, 0xc000), [2]);
    const bits = new Uint16Array(tensor.data.buffer, tensor.data.byteOffset, 2);
    assert.deepEqual([...bits], [0x3c00, 0xc000]);
  });

  test('every ONNX element type has its array', () => {
    const sizes = { bfloat16: [Uint16Array, 3], float8e4m3fn: [Uint8Array, 3], float8e8m0: [Uint8Array, 3] };
    Object.assign(sizes, { complex64: [Float32Array, 6], complex128: [Float64Array, 6] });
    Object.assign(sizes, { int2: [Uint8Array, 1], uint2: [Uint8Array, 1], float4e2m1: [Uint8Array, 2] });
    for (const [type, [array, length]] of Object.entries(sizes)) {
      assert.equal(new Tensor(type, new array(length), [3]).size, 3, type);
      assert.throws(
        () => new Tensor(type, new array(length + 3), [5, 5]),
        /does not match data length/,
        type,
      );
    }
  });

  test('a length that does not fit is a KingletError', () => {
    assert.throws(
      () => new Tensor(new Float32Array(5), [2, 3]),
      (error) =>
        error instanceof KingletError &&
        error.code === 'invalid_argument' &&
        error.message === "Tensor's size(6) does not match data length(5).",
    );
  });

  test('tensors outside the CPU are refused in words', () => {
    for (const make of ['fromTexture', 'fromGpuBuffer', 'fromMLTensor']) {
      assert.throws(
        () => Tensor[make]({}, { dims: [1] }),
        (error) =>
          error instanceof KingletError && error.code === 'unsupported_feature' && /CPU/.test(error.message),
      );
    }
  });

  test('fromImage: layout, format, type and normalisation', async () => {
    // Two pixels: red 10 20 30, blue 40 50 60.
    const image = { data: Uint8ClampedArray.of(10, 20, 30, 255, 40, 50, 60, 128), width: 2, height: 1 };
    const of = async (options) => {
      const { dims, data, type } = await Tensor.fromImage(image, options);
      return { type, dims, data: [...data] };
    };
    assert.deepEqual(await of({ dataType: 'uint8' }), {
      type: 'uint8',
      dims: [1, 3, 1, 2],
      data: [10, 40, 20, 50, 30, 60],
    });
    assert.deepEqual(await of({ dataType: 'uint8', tensorLayout: 'NHWC', tensorFormat: 'BGR' }), {
      type: 'uint8',
      dims: [1, 1, 2, 3],
      data: [30, 20, 10, 60, 50, 40],
    });
    assert.deepEqual(
      (await of({ tensorFormat: 'RGBA', norm: { mean: 1 } })).data,
      [10, 40, 20, 50, 30, 60, 255, 128],
    );
    const { data } = await of({ norm: { mean: [10, 10, 2], bias: [-10, 0, 2] } });
    assert.deepEqual(data, [0, 3, 2, 5, 16, 31]);
  });
});

test('typed arrays of another realm, as test runners give them, are as good as ours', () => {
  for (const [type, { name }] of Object.entries(arrays)) {
    if (type.endsWith('int4') || type === 'float16') continue;
    const ours = new Tensor(type, new arrays[type](2), [2]);
    const data = runInNewContext(`new ${name}(2)`);
    assert.equal(data instanceof arrays[type], false);
    for (const tensor of [new Tensor(type, data, [2]), Tensor.fromPinnedBuffer(type, data)]) {
      assert.equal(tensor.data, data);
      assert.deepEqual(tensor.dims, ours.dims);
    }
    if (type !== 'bool') assert.equal(new Tensor(data).type, type);
  }
});

test('a polyfill of Float16Array, which is no typed array, counts where there is none', {
  skip: 'Float16Array' in globalThis,
}, () => {
  globalThis.Float16Array = class {
    constructor(length) {
      // biome-ignore lint/correctness/noConstructorReturn: as polyfills do
      return new Proxy(new Uint16Array(length), {
        get: (target, key) => Reflect.get(target, key),
        getPrototypeOf: () => Float16Array.prototype,
      });
    }
  };
  try {
    const data = new Float16Array(2);
    assert.equal(new Tensor('float16', data, [2]).data, data);
  } finally {
    delete globalThis.Float16Array;
  }
});
