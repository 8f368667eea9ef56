/**
 * Kinglet runs ONNX models in the page, in a worker or in Node. The API is onnxruntime-common's; what Kinglet adds is
 * optional.
 */
export { type Env, env } from './env.js';
export { type ErrorCode, type ErrorContext, KingletError } from './errors.js';
/** For `import ort from '...'`, as code for onnxruntime-web has it. */
export * as default from './index.js';
export type { ExternalDataFile, ModelSource, SessionOptions } from './options.js';
export { InferenceSession } from './session.js';
export {
  type CpuPinnedParameters,
  type ImageFormat,
  type ImageSource,
  Tensor,
  type TensorConstructor,
  type TensorFromImageOptions,
  type TensorToImageOptions,
  type TypedTensor,
} from './tensor.js';
export type { MapKey, MapValue, OnnxValue } from './worker/values.js';
