#include <algorithm>
#include <cstring>

#include "frontends/onnx/message.h"

namespace kinglet::onnx {

namespace {

struct TensorMessage {
  std::string_view name;
  Shape dims;
  int64_t dtype = 0, location = 0;
  bool has_raw = false;
  Bytes raw;
  std::vector<Bytes> external;
  Bytes whole;
};

enum Field : uint32_t {
  kDims = 1,
  kDataType = 2,
  kSegment = 3,
  kFloatData = 4,
  kInt32Data = 5,
  kStringData = 6,
  kInt64Data = 7,
  kName = 8,
  kRawData = 9,
  kDoubleData = 10,
  kUInt64Data = 11,
  kExternalData = 13,
  kDataLocation = 14,
};

Result<TensorMessage> read_message(Bytes bytes) {
  TensorMessage out;
  out.whole = bytes;
  std::vector<int64_t> dims;
  Message m(bytes);
  while (m.next()) {
    switch (m.field()) {
      case kDims:
        KL_REQUIRE(m.count_varints() + dims.size() <= kMaxRank, kLimitExceeded, "a tensor has more than ",
                   kMaxRank, " extents");
        m.append_to(&dims);
        break;
      case kDataType:
        out.dtype = m.integer();
        break;
      case kSegment:
        return fail(Code::kUnsupportedFeature, "tensors in segments are not supported");
      case kName:
        out.name = m.text();
        break;
      case kRawData:
        out.raw = m.bytes();
        out.has_raw = true;
        break;
      case kExternalData:
        out.external.push_back(m.bytes());
        break;
      case kDataLocation:
        out.location = m.integer();
        break;
    }
  }
  KL_TRY(m.finish());
  KL_ASSIGN(out.dims, shape_from(dims));
  return out;
}

// A tensor over `bytes`, which lie in `owner`. Copies what is small, so that large views are neighbours, and
// where the platform cannot read them in place.
[[gnu::noinline]] Result<Tensor> view(DType dtype, const Shape& shape, Bytes bytes,
                                      const std::shared_ptr<Buffer>& owner, Storage& storage) {
  bool copy = bytes.size() < kLargeBuffer;
#ifndef __wasm__
  size_t alignment = static_cast<size_t>(std::clamp(dtype_bits(dtype) / 8, 1, 8));
  copy |= reinterpret_cast<uintptr_t>(bytes.data()) % alignment != 0;
#endif
  // Loading a bool that is neither 0 nor 1 is undefined.
  bool normalize =
      dtype == DType::kBool && std::ranges::any_of(bytes, [](std::byte b) { return b > std::byte{1}; });
  if (copy || normalize) {
    KL_ASSIGN(Tensor out, Tensor::allocate_uninitialized(dtype, shape));
    std::ranges::copy(bytes, out.data());
    if (normalize) {
      for (std::byte& b : std::span(out.data(), bytes.size())) b = b == std::byte{0} ? b : std::byte{1};
    }
    return out;
  }
  auto* data = const_cast<std::byte*>(bytes.data());
  storage.views.push_back(Buffer::borrow(data, bytes.size(), owner));
  return Tensor(dtype, shape, storage.views.back());
}

// `text` as a decimal number.
Result<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  KL_REQUIRE(!text.empty() && text.size() <= 20, kInvalidModel, "\"", text, "\" is not a number");
  for (char c : text) {
    KL_REQUIRE(c >= '0' && c <= '9', kInvalidModel, "\"", text, "\" is not a number");
    KL_ASSIGN(value, checked_mul<uint64_t>(value, 10));
    KL_ASSIGN(value, checked_add<uint64_t>(value, static_cast<uint64_t>(c - '0')));
  }
  return value;
}

Result<Tensor> read_external(const TensorMessage& message, DType dtype, size_t bytes, Storage& storage) {
  std::string_view path, offset_text = "0", length_text;
  for (Bytes entry : message.external) {
    std::string_view key, value;
    Message m(entry);
    while (m.next()) {
      if (m.field() == 1) key = m.text();
      if (m.field() == 2) value = m.text();
    }
    KL_TRY(m.finish());
    if (key == "location") path = value;
    if (key == "offset") offset_text = value;
    if (key == "length") length_text = value;
  }
  while (path.starts_with("./")) path.remove_prefix(2);
  KL_REQUIRE(!path.empty(), kInvalidModel, "external data without a location");
  KL_ASSIGN(uint64_t offset, parse_number(offset_text));
  uint64_t length = bytes;
  if (!length_text.empty()) {
    KL_ASSIGN(length, parse_number(length_text));
  }
  KL_REQUIRE(length == bytes, kInvalidModel, "external data of ", length, " bytes for ", dtype, message.dims);
  auto named = [&](const ExternalFile& file) {
    std::string_view p = file.path;
    while (p.starts_with("./")) p.remove_prefix(2);
    return p == path;
  };
  auto file = std::ranges::find_if(storage.external, named);
  if (file == storage.external.end())
    return fail(Code::kMissingExternalData, path).with("path", std::string(path));
  KL_REQUIRE(offset <= file->bytes->bytes() && length <= file->bytes->bytes() - offset, kInvalidModel,
             "external data at ", offset, " with ", length, " bytes, but ", path, " has ",
             file->bytes->bytes(), " bytes");
  Bytes data(file->bytes->data() + offset, bytes);
  return view(dtype, message.dims, data, file->bytes, storage);
}

// The field that holds elements of a dtype outside of raw_data.
Field data_field(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
    case DType::kComplex64:
      return kFloatData;
    case DType::kFloat64:
    case DType::kComplex128:
      return kDoubleData;
    case DType::kInt64:
      return kInt64Data;
    case DType::kUInt32:
    case DType::kUInt64:
      return kUInt64Data;
    default:
      return kInt32Data;
  }
}

// float_data and double_data: fixed width, so that one packed field can be used in place.
Result<Tensor> read_fixed(const TensorMessage& message, DType dtype, size_t bytes, Storage& storage) {
  Field field = data_field(dtype);
  size_t width = field == kFloatData ? sizeof(float) : sizeof(double);
  Tensor out;
  std::vector<float> floats;
  std::vector<double> doubles;
  Message m(message.whole);
  while (m.next()) {
    if (m.field() != field) continue;
    if (m.is_packed() && m.bytes().size() == bytes && out.empty()) {
      KL_ASSIGN(out, view(dtype, message.dims, m.bytes(), storage.model, storage));
    } else if (field == kFloatData) {
      m.append_to(&floats);
    } else {
      m.append_to(&doubles);
    }
    KL_REQUIRE((floats.size() + doubles.size()) * width <= bytes, kInvalidModel, "too many elements for ",
               dtype, message.dims);
  }
  KL_TRY(m.finish());
  size_t found = (floats.size() + doubles.size()) * width;
  if (found == 0 && !out.empty()) return out;
  KL_REQUIRE(out.empty() && found == bytes, kInvalidModel, found, " bytes of data for ", dtype, message.dims);
  KL_ASSIGN(out, Tensor::allocate_uninitialized(dtype, message.dims));
  if (!floats.empty()) std::memcpy(out.data(), floats.data(), bytes);
  if (!doubles.empty()) std::memcpy(out.data(), doubles.data(), bytes);
  return out;
}

// int32_data, int64_data and uint64_data: varints, of which the low bytes count. Narrow floats come as bits,
// types below a byte as packed bytes.
Result<Tensor> read_varints(const TensorMessage& message, DType dtype, size_t bytes) {
  Field field = data_field(dtype);
  size_t width = static_cast<size_t>(std::max(dtype_bits(dtype) / 8, 1)), count = 0;
  Message counting(message.whole);
  while (counting.next()) {
    if (counting.field() == field) count += counting.count_varints();
  }
  KL_TRY(counting.finish());
  KL_REQUIRE(count == bytes / width, kInvalidModel, count, " numbers of data for ", dtype, message.dims);
  KL_ASSIGN(Tensor out, Tensor::allocate_uninitialized(dtype, message.dims));
  std::byte* to = out.data();
  auto store = [&](int64_t value) {
    if (dtype == DType::kBool) value = value != 0;
    std::memcpy(to, &value, width);
    to += width;
  };
  Message m(message.whole);
  while (m.next()) {
    if (m.field() != field) continue;
    if (!m.is_packed()) {
      store(m.integer());
      continue;
    }
    for (ByteReader packed(m.bytes()); !packed.done();) {
      KL_ASSIGN(uint64_t value, packed.varint());
      store(static_cast<int64_t>(value));
    }
  }
  KL_TRY(m.finish());
  return out;
}

Result<Tensor> read_strings(const TensorMessage& message) {
  std::vector<std::string_view> texts;
  Message m(message.whole);
  while (m.next()) {
    if (m.field() == kStringData) texts.push_back(m.text());
  }
  KL_TRY(m.finish());
  KL_ASSIGN(int64_t count, checked_count(message.dims));
  KL_REQUIRE(static_cast<uint64_t>(count) == texts.size(), kInvalidModel, texts.size(), " strings for string",
             message.dims);
  KL_ASSIGN(Tensor out, Tensor::allocate(DType::kString, message.dims));
  std::ranges::copy(texts, out.data<std::string>());
  return out;
}

Result<Tensor> read_data(const TensorMessage& message, Storage& storage) {
  KL_REQUIRE(message.dtype != 0, kInvalidModel, "a tensor has no element type");
  if (!is_dtype(message.dtype))
    return fail(Code::kUnsupportedType, "element type ", message.dtype, " is not known");
  auto dtype = static_cast<DType>(message.dtype);
  if (dtype == DType::kString) return read_strings(message);
  KL_ASSIGN(int64_t count, checked_count(message.dims));
  KL_ASSIGN(size_t bytes, checked_bytes(dtype, count));
  if (message.location == 1) return read_external(message, dtype, bytes, storage);
  if (message.has_raw) {
    KL_REQUIRE(message.raw.size() == bytes, kInvalidModel, message.raw.size(), " bytes of data for ", dtype,
               message.dims, ", which needs ", bytes);
    return view(dtype, message.dims, message.raw, storage.model, storage);
  }
  if (bytes == 0) return Tensor::allocate(dtype, message.dims);
  Field field = data_field(dtype);
  if (field == kFloatData || field == kDoubleData) return read_fixed(message, dtype, bytes, storage);
  return read_varints(message, dtype, bytes);
}

}  // namespace

Result<Tensor> read_tensor(Bytes bytes, Storage& storage, std::string_view* name) {
  KL_ASSIGN(TensorMessage message, read_message(bytes));
  if (name != nullptr) *name = message.name;
  auto out = read_data(message, storage);
  if (!out.ok()) out.status().with("tensor", std::string(message.name));
  return out;
}

Result<Tensor> read_sparse_tensor(Bytes bytes, Storage& storage, std::string_view* name) {
  Bytes values_bytes, indices_bytes;
  std::vector<int64_t> dims;
  Message m(bytes);
  while (m.next()) {
    if (m.field() == 1) values_bytes = m.bytes();
    if (m.field() == 2) indices_bytes = m.bytes();
    if (m.field() != 3) continue;
    KL_REQUIRE(m.count_varints() + dims.size() <= kMaxRank, kLimitExceeded, "a tensor has more than ",
               kMaxRank, " extents");
    m.append_to(&dims);
  }
  KL_TRY(m.finish());
  KL_ASSIGN(Tensor values, read_tensor(values_bytes, storage, name));
  KL_ASSIGN(Tensor indices, read_tensor(indices_bytes, storage));
  KL_ASSIGN(Shape shape, shape_from(dims));
  KL_ASSIGN(int64_t total, checked_count(shape));
  KL_ASSIGN(size_t dense, checked_bytes(values.dtype(), total));
  KL_REQUIRE(dense <= kMaxDenseBytes - storage.dense_bytes, kLimitExceeded, "sparse constants of more than ",
             kMaxDenseBytes, " bytes");
  KL_REQUIRE(!is_sub_byte(values.dtype()), kUnsupportedType, "a sparse tensor of ", values.dtype());
  KL_REQUIRE(values.rank() == 1 && indices.dtype() == DType::kInt64, kInvalidModel,
             "sparse tensor with values ", values.dtype(), values.shape(), " and indices ", indices.dtype(),
             indices.shape());
  int64_t count = values.count();
  bool linear = indices.shape() == Shape{count};
  KL_REQUIRE(linear || (indices.shape() == Shape{count, shape.rank()}), kInvalidModel, "indices ",
             indices.shape(), " for ", count, " values of a sparse tensor ", shape);
  storage.dense_bytes += dense;
  KL_ASSIGN(Tensor out, Tensor::allocate(values.dtype(), shape));
  size_t width = values.dtype() == DType::kString ? 0 : static_cast<size_t>(dtype_bits(values.dtype()) / 8);
  int64_t per_value = linear ? 1 : shape.rank();
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = 0;
    for (int64_t k = 0; k < per_value; ++k) {
      int64_t index;
      std::memcpy(&index, indices.data<int64_t>() + i * per_value + k, sizeof index);
      int64_t extent = linear ? total : shape[static_cast<size_t>(k)];
      KL_REQUIRE(index >= 0 && index < extent, kInvalidModel, "index ", index, " of a sparse tensor ", shape);
      at = linear ? index : at * extent + index;
    }
    if (width == 0)
      out.data<std::string>()[at] = values.data<std::string>()[i];
    else
      std::memcpy(out.data() + static_cast<size_t>(at) * width,
                  values.data() + static_cast<size_t>(i) * width, width);
  }
  return out;
}

}  // namespace kinglet::onnx
