#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/dtype.h"
#include "base/result.h"
#include "base/shape.h"

namespace kinglet {

// Alignment of buffers that Kinglet allocates.
inline constexpr size_t kBufferAlignment = 64;
// Buffers of this size or more may lie in a block that was broken up, aligned to 16 bytes only.
inline constexpr size_t kLargeBuffer = 16 << 10;

// Bytes, or strings, with shared ownership. Contents start as zero (strings: empty).
class Buffer {
 public:
  // Fails with kOutOfMemory, also when the live bytes of all buffers would pass the limit below.
  static Result<std::shared_ptr<Buffer>> allocate(size_t bytes);
  static Result<std::shared_ptr<Buffer>> allocate_uninitialized(size_t bytes);
  static Result<std::shared_ptr<Buffer>> allocate_strings(size_t count);
  // Memory owned by someone else, who keeps it alive as long as `owner`.
  static std::shared_ptr<Buffer> borrow(void* data, size_t bytes, std::shared_ptr<void> owner = nullptr);
  // Takes `data`, which came from malloc; it is freed with the buffer.
  static std::shared_ptr<Buffer> adopt(void* data, size_t bytes);
  // The end of `whole` but for those of `parts` that were borrowed from it, unless somebody else holds it:
  // what lies between them, and each of them once it is destroyed, serves buffers that are allocated later.
  static void break_up(const std::shared_ptr<Buffer>& whole, std::span<const std::shared_ptr<Buffer>> parts);

  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::byte* data() { return data_; }
  size_t bytes() const { return bytes_; }
  // Whether who holds this buffer is the only one to see its bytes.
  bool is_separate() const {
    return kind_ == Kind::kOwned ||
           (kind_ == Kind::kPart && span_ <= data_ && data_ + bytes_ <= span_ + span_bytes_);
  }
  // Whether `bytes` bytes can take the place of these; free neighbours are added to it.
  bool make_room(size_t bytes);
  // Makes the contents the `bytes` that `write` puts together from them elsewhere. There is room, and `write`
  // allocates nothing. Tensors that were made of the buffer do not follow.
  Status rewrite(size_t bytes, const std::function<void(std::byte*)>& write);
  // What the bytes are where they are not elements: the format of packed weights.
  std::string form;

  // Live bytes over all buffers that were allocated here, and the most that they may be.
  static size_t live_bytes();
  static void set_limit(size_t bytes);

 private:
  // kPart: of a quarry, which is the owner.
  enum class Kind : uint8_t { kOwned, kBorrowed, kPart };
  Buffer(Kind kind, std::byte* data, size_t bytes) : kind_(kind), data_(data), bytes_(bytes) {}
  static Result<std::shared_ptr<Buffer>> take(size_t bytes, bool zero);
  static Status check_limit(size_t bytes);
  void become_part(std::shared_ptr<void> quarry, std::byte* from, std::byte* to);

  Kind kind_;
  std::byte* data_;
  size_t bytes_;
  size_t strings_ = 0;
  std::shared_ptr<void> owner_;
  // What a part takes of the quarry; of an owned one, the block that is freed.
  std::byte* span_ = nullptr;
  size_t span_bytes_ = 0;
};

// Bytes that `count` elements take; sub-byte elements are packed. Strings: sizeof(std::string) each.
Result<size_t> checked_bytes(DType dtype, int64_t count);

// A dense row-major array: dtype, shape and shared storage. Copying shares the storage.
class Tensor {
 public:
  Tensor() = default;
  Tensor(DType dtype, Shape shape, std::shared_ptr<Buffer> buffer, size_t offset = 0)
      : dtype_(dtype),
        shape_(shape),
        buffer_(std::move(buffer)),
        data_(buffer_ ? buffer_->data() + offset : nullptr) {}

  // Zero-filled; fails for negative extents, too many elements, or too little memory.
  static Result<Tensor> allocate(DType dtype, const Shape& shape);
  static Result<Tensor> allocate_uninitialized(DType dtype, const Shape& shape);
  template <class T>
  static Result<Tensor> of(const Shape& shape, std::span<const T> values);
  template <class T>
  static Result<Tensor> scalar(T value) {
    return of<T>({}, std::span<const T>(&value, 1));
  }
  // int64, one dimension
  static Result<Tensor> ints(std::span<const int64_t> values) {
    return of<int64_t>({static_cast<int64_t>(values.size())}, values);
  }

  bool empty() const { return dtype_ == DType::kNone; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  int64_t count() const { return shape_.count(); }
  size_t bytes() const;
  template <class T = std::byte>
  T* data() const {
    return reinterpret_cast<T*>(data_);
  }
  template <class T>
  std::span<T> values() const {
    return {data<T>(), static_cast<size_t>(count())};
  }
  const std::shared_ptr<Buffer>& buffer() const { return buffer_; }
  // What stands for this tensor where only its packed form is left: it has no elements to read.
  Tensor stand_in(std::shared_ptr<Buffer> packed) const {
    Tensor t(dtype_, shape_, std::move(packed));
    t.data_ = nullptr;
    return t;
  }
  // The same storage with another shape of the same count.
  Tensor reshaped(const Shape& shape) const {
    Tensor t = *this;
    t.shape_ = shape;
    return t;
  }
  // A deep copy.
  Result<Tensor> clone() const;
  // All elements as int64; for the integer, bool and float types (floats are truncated).
  Result<Shape> to_ints() const;
  // Element i as double, for every numeric type.
  double number(int64_t i) const;

 private:
  DType dtype_ = DType::kNone;
  Shape shape_;
  std::shared_ptr<Buffer> buffer_;
  std::byte* data_ = nullptr;
};

template <class T>
Result<Tensor> Tensor::of(const Shape& shape, std::span<const T> values) {
  KL_ASSIGN(Tensor t, allocate(kDTypeOf<T>, shape));
  std::copy(values.begin(), values.end(), t.data<T>());
  return t;
}

}  // namespace kinglet
