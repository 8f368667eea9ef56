/** What the pipelines need of an inference engine; the public surface of kinglet (and of any onnxruntime) fits it. */
export interface TensorLike {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: ArrayLike<unknown>;
}

export interface SessionLike {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: the engine's own tensor class stands on both sides
  run(feeds: any): Promise<{ readonly [name: string]: unknown }>;
}

export type TensorConstructor = new (
  type: 'float32' | 'int64',
  data: Float32Array | BigInt64Array,
  dims: readonly number[],
) => TensorLike;

/** Runs a session with one float32 input and one float32 output. */
export async function runSingle(
  session: SessionLike,
  Tensor: TensorConstructor,
  data: Float32Array,
  dims: readonly number[],
): Promise<{ data: Float32Array; dims: readonly number[] }> {
  const output = session.outputNames[0];
  const results = await session.run({ [session.inputNames[0]]: new Tensor('float32', data, dims) });
  const tensor = results[output] as TensorLike;
  return { data: tensor.data as Float32Array, dims: tensor.dims };
}
