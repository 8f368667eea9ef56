#include "frontends/format.h"

namespace kinglet {

namespace {

struct Format {
  size_t at;
  std::string_view magic, what;
};

constexpr Format kFormats[] = {
    {0, "\x1f\x8b", "compressed with gzip: unpack it"},
    {0, "\x28\xb5\x2f\xfd", "compressed with zstd: unpack it"},
    {0, "PK\x03\x04", "a zip archive, as of PyTorch or Keras: export the model to ONNX"},
    {0, "\x80", "a Python pickle, as of PyTorch or scikit-learn: export the model to ONNX"},
    {0, "\x89HDF", "an HDF5 file, as of Keras: convert it to ONNX"},
    {0, "\x93NUMPY", "an array of NumPy"},
    {0, "GGUF", "a GGUF file, which has no graph"},
    {0, "{", "JSON, as of TensorFlow.js or XGBoost: convert it to ONNX"},
    {4, "ORTM", "a model in onnxruntime's own format: use the .onnx file it was made from"},
    {4, "TFL3", "a TensorFlow Lite model: convert it to ONNX"},
    {8, "{\"", "a safetensors file, which has no graph: export the model to ONNX"},
};

}  // namespace

std::string_view other_format(Bytes file) {
  if (file.empty()) return "an empty file";
  std::string_view text = as_text(file);
  for (const Format& f : kFormats) {
    if (text.size() > f.at && text.substr(f.at).starts_with(f.magic)) return f.what;
  }
  return {};
}

}  // namespace kinglet
