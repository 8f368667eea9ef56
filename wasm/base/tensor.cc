#include "base/tensor.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/narrow_float.h"

namespace kinglet {

namespace {
size_t live = 0;
size_t limit = SIZE_MAX;
// Differences of pointers into one buffer stay representable.
constexpr size_t kMostBytes = SIZE_MAX / 2;
}  // namespace

size_t Buffer::live_bytes() { return live; }
void Buffer::set_limit(size_t bytes) { limit = bytes; }

Result<std::shared_ptr<Buffer>> Buffer::take(size_t bytes, bool zero) {
  if (bytes > kMostBytes || bytes > limit || live > limit - bytes) {
    return fail(Code::kOutOfMemory, bytes, " bytes asked for, ", live, " in use, ", limit, " allowed")
        .with("bytes", str(bytes))
        .with("limit", str(limit));
  }
  // Room for one full vector behind the end: kernels may read, never use, up to 16 bytes beyond the last
  // element.
  size_t room = align_up(bytes + 16, kBufferAlignment);
  void* data = std::aligned_alloc(kBufferAlignment, room);
  if (data == nullptr)
    return fail(Code::kOutOfMemory, bytes, " bytes asked for, ", live, " in use").with("bytes", str(bytes));
  if (zero) std::memset(data, 0, room);
  live += bytes;
  return std::shared_ptr<Buffer>(new Buffer(Kind::kOwned, static_cast<std::byte*>(data), bytes));
}

Result<std::shared_ptr<Buffer>> Buffer::allocate(size_t bytes) { return take(bytes, true); }
Result<std::shared_ptr<Buffer>> Buffer::allocate_uninitialized(size_t bytes) { return take(bytes, false); }

Result<std::shared_ptr<Buffer>> Buffer::allocate_strings(size_t count) {
  KL_ASSIGN(size_t bytes, checked_mul(count, sizeof(std::string)));
  KL_ASSIGN(auto buffer, take(bytes, false));
  auto* strings = reinterpret_cast<std::string*>(buffer->data_);
  for (size_t i = 0; i < count; ++i) new (strings + i) std::string();
  buffer->kind_ = Kind::kStrings;
  buffer->strings_ = count;
  return buffer;
}

std::shared_ptr<Buffer> Buffer::borrow(void* data, size_t bytes, std::shared_ptr<void> owner) {
  auto buffer = std::shared_ptr<Buffer>(new Buffer(Kind::kBorrowed, static_cast<std::byte*>(data), bytes));
  buffer->owner_ = std::move(owner);
  return buffer;
}

std::shared_ptr<Buffer> Buffer::adopt(void* data, size_t bytes) {
  live += bytes;
  return std::shared_ptr<Buffer>(new Buffer(Kind::kAdopted, static_cast<std::byte*>(data), bytes));
}

Buffer::~Buffer() {
  if (kind_ == Kind::kBorrowed) return;
  if (kind_ == Kind::kStrings) {
    auto* strings = reinterpret_cast<std::string*>(data_);
    for (size_t i = 0; i < strings_; ++i) strings[i].~basic_string();
  }
  live -= bytes_;
  std::free(data_);
}

Result<size_t> checked_bytes(DType dtype, int64_t count) {
  KL_REQUIRE(count >= 0, kInvalidShape, "negative element count ", count);
  int bits = dtype == DType::kString ? static_cast<int>(sizeof(std::string) * 8) : dtype_bits(dtype);
  KL_REQUIRE(bits > 0, kUnsupportedType, "a tensor needs an element type");
  KL_ASSIGN(int64_t total, checked_mul<int64_t>(count, bits));
  return checked_narrow<size_t>(total / 8 + (total % 8 != 0));
}

Result<Tensor> Tensor::allocate(DType dtype, const Shape& shape) {
  KL_ASSIGN(int64_t count, checked_count(shape));
  KL_ASSIGN(size_t bytes, checked_bytes(dtype, count));
  if (dtype == DType::kString) {
    KL_ASSIGN(auto strings, Buffer::allocate_strings(static_cast<size_t>(count)));
    return Tensor(dtype, shape, std::move(strings));
  }
  KL_ASSIGN(auto buffer, Buffer::allocate(bytes));
  return Tensor(dtype, shape, std::move(buffer));
}

Result<Tensor> Tensor::allocate_uninitialized(DType dtype, const Shape& shape) {
  if (dtype == DType::kString) return allocate(dtype, shape);
  KL_ASSIGN(int64_t count, checked_count(shape));
  KL_ASSIGN(size_t bytes, checked_bytes(dtype, count));
  KL_ASSIGN(auto buffer, Buffer::allocate_uninitialized(bytes));
  // Elements are written bit by bit; what is unused of the last byte must not show old memory.
  if (is_sub_byte(dtype) && bytes != 0) buffer->data()[bytes - 1] = std::byte{0};
  return Tensor(dtype, shape, std::move(buffer));
}

size_t Tensor::bytes() const {
  if (dtype_ == DType::kString) return static_cast<size_t>(count()) * sizeof(std::string);
  return (static_cast<size_t>(count()) * static_cast<size_t>(dtype_bits(dtype_)) + 7) / 8;
}

Result<Tensor> Tensor::clone() const {
  KL_ASSIGN(Tensor copy, allocate_uninitialized(dtype_, shape_));
  if (dtype_ == DType::kString) {
    std::copy_n(data<std::string>(), count(), copy.data<std::string>());
  } else if (bytes() != 0) {
    std::memcpy(copy.data(), data(), bytes());
  }
  return copy;
}

double Tensor::number(int64_t i) const {
  auto as = [&]<class T>() { return static_cast<double>(data<T>()[i]); };
  switch (dtype_) {
    case DType::kFloat32:
      return as.operator()<float>();
    case DType::kFloat64:
      return as.operator()<double>();
    case DType::kFloat16:
      return half_to_float(data<uint16_t>()[i]);
    case DType::kBFloat16:
      return bfloat16_to_float(data<uint16_t>()[i]);
    case DType::kInt8:
      return as.operator()<int8_t>();
    case DType::kInt16:
      return as.operator()<int16_t>();
    case DType::kInt32:
      return as.operator()<int32_t>();
    case DType::kInt64:
      return as.operator()<int64_t>();
    case DType::kBool:
    case DType::kUInt8:
      return as.operator()<uint8_t>();
    case DType::kUInt16:
      return as.operator()<uint16_t>();
    case DType::kUInt32:
      return as.operator()<uint32_t>();
    case DType::kUInt64:
      return as.operator()<uint64_t>();
    case DType::kInt4:
    case DType::kUInt4:
    case DType::kFloat4E2M1: {
      uint8_t bits = data<uint8_t>()[i / 2] >> (i % 2 * 4) & 15;
      if (dtype_ == DType::kUInt4) return bits;
      if (dtype_ == DType::kInt4) return bits >= 8 ? bits - 16 : bits;
      return small_float_to_float(dtype_, bits);
    }
    case DType::kInt2:
    case DType::kUInt2: {
      uint8_t bits = data<uint8_t>()[i / 4] >> (i % 4 * 2) & 3;
      return dtype_ == DType::kInt2 && bits >= 2 ? bits - 4 : bits;
    }
    case DType::kNone:
    case DType::kString:
    case DType::kComplex64:
    case DType::kComplex128:
      return 0;
    default:
      return small_float_to_float(dtype_, data<uint8_t>()[i]);
  }
}

Result<Shape> Tensor::to_ints() const {
  KL_REQUIRE(count() <= kMaxRank, kLimitExceeded, count(), " entries where at most ", kMaxRank,
             " are allowed");
  Shape out;
  for (int64_t i = 0; i < count(); ++i) {
    if (dtype_ == DType::kInt64) {
      out.push_back(data<int64_t>()[i]);
      continue;
    }
    double value = number(i);
    KL_REQUIRE(value > -9e15 && value < 9e15, kInvalidArgument, value, " is not an integer in range");
    out.push_back(static_cast<int64_t>(value));
  }
  return out;
}

}  // namespace kinglet
