#include "base/tensor.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/narrow_float.h"
#include "base/quarry.h"

#ifdef __wasm__
#include <unistd.h>
#endif

namespace kinglet {

namespace {
size_t live = 0;
size_t limit = SIZE_MAX;
// Differences of pointers into one buffer stay representable.
constexpr size_t kMostBytes = SIZE_MAX / 2;
// Of a block that is broken up.
constexpr size_t kMostParts = 1 << 13;

// An aligned block of so many bytes in a block that is to be freed, which may be the same; null: no memory.
// dlmalloc would cut off what alignment leaves over, and when the block is free again the next one of its
// size would not fit: in wasm all of it stays together.
std::byte* allocate_aligned(size_t bytes, std::byte** block) {
#ifdef __wasm__
  *block = static_cast<std::byte*>(std::malloc(bytes + kBufferAlignment));
  if (*block == nullptr) return nullptr;
  size_t over = reinterpret_cast<uintptr_t>(*block) % kBufferAlignment;
  return *block + (over == 0 ? 0 : kBufferAlignment - over);
#else
  return *block = static_cast<std::byte*>(std::aligned_alloc(kBufferAlignment, bytes));
#endif
}

#ifdef __wasm__
// Memory behind the heap, which is nobody's until something is allocated: it leaves no hole. Null: there is
// none.
std::byte* behind_heap(size_t bytes) {
  constexpr size_t kPage = 65536;
  uint64_t from = align_up(reinterpret_cast<uintptr_t>(sbrk(0)), kBufferAlignment);
  uint64_t size = uint64_t{__builtin_wasm_memory_size(0)} * kPage;
  if (from + bytes > size &&
      __builtin_wasm_memory_grow(0, static_cast<size_t>((from + bytes - size + kPage - 1) / kPage)) ==
          SIZE_MAX)
    return nullptr;
  return reinterpret_cast<std::byte*>(static_cast<uintptr_t>(from));
}
#endif
}  // namespace

size_t Buffer::live_bytes() { return live; }
void Buffer::set_limit(size_t bytes) { limit = bytes; }

Status Buffer::check_limit(size_t bytes) {
  if (bytes <= kMostBytes && bytes <= limit && live <= limit - bytes) return {};
  return fail(Code::kOutOfMemory, bytes, " bytes asked for, ", live, " in use, ", limit, " allowed")
      .with("bytes", str(bytes))
      .with("limit", str(limit));
}

Result<std::shared_ptr<Buffer>> Buffer::take(size_t bytes, bool zero) {
  if (bytes >= kLargeBuffer && bytes <= kMostBytes) {
    size_t span = align_up(bytes, Quarry::kGrain);
    std::byte* at = nullptr;
    if (auto quarry = Quarry::take(span, &at)) {
      if (zero) std::memset(at, 0, span);
      auto buffer = std::shared_ptr<Buffer>(new Buffer(Kind::kPart, at, bytes));
      buffer->become_part(std::move(quarry), at, at + span);
      return buffer;
    }
  }
  KL_TRY(check_limit(bytes));
  // Room for one full vector behind the end: kernels may read, never use, up to 16 bytes beyond the last
  // element.
  size_t room = align_up(bytes + 16, kBufferAlignment);
  std::byte* block = nullptr;
  std::byte* data = allocate_aligned(room, &block);
  if (data == nullptr)
    return fail(Code::kOutOfMemory, bytes, " bytes asked for, ", live, " in use").with("bytes", str(bytes));
  if (zero) std::memset(data, 0, room);
  live += bytes;
  auto buffer = std::shared_ptr<Buffer>(new Buffer(Kind::kOwned, data, bytes));
  buffer->span_ = block;
  return buffer;
}

Result<std::shared_ptr<Buffer>> Buffer::allocate(size_t bytes) { return take(bytes, true); }
Result<std::shared_ptr<Buffer>> Buffer::allocate_uninitialized(size_t bytes) { return take(bytes, false); }

Result<std::shared_ptr<Buffer>> Buffer::allocate_strings(size_t count) {
  KL_ASSIGN(size_t bytes, checked_mul(count, sizeof(std::string)));
  KL_ASSIGN(auto buffer, take(bytes, false));
  auto* strings = reinterpret_cast<std::string*>(buffer->data_);
  for (size_t i = 0; i < count; ++i) new (strings + i) std::string();
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
  auto buffer = std::shared_ptr<Buffer>(new Buffer(Kind::kOwned, static_cast<std::byte*>(data), bytes));
  buffer->span_ = buffer->data_;
  return buffer;
}

bool Buffer::make_room(size_t bytes) {
  if (kind_ != Kind::kPart) return kind_ == Kind::kOwned && bytes <= bytes_;
  return span_bytes_ != 0 && bytes <= kMostBytes &&
         align_up(bytes, Quarry::kGrain) <= static_cast<Quarry*>(owner_.get())->room_at(span_, span_bytes_);
}

Status Buffer::rewrite(size_t bytes, const std::function<void(std::byte*)>& write) {
  KL_TRY(check_limit(bytes));
  size_t room = align_up(bytes, kBufferAlignment);
#ifdef __wasm__
  std::byte* made = behind_heap(room);
#else
  std::byte* block = nullptr;
  std::byte* made = allocate_aligned(room, &block);
#endif
  if (made == nullptr)
    return fail(Code::kOutOfMemory, bytes, " bytes asked for, ", live, " in use").with("bytes", str(bytes));
  std::memset(made, 0, room);
  write(made);
  if (kind_ == Kind::kPart) {
    size_t span = align_up(bytes, Quarry::kGrain);
    static_cast<Quarry*>(owner_.get())->give(span_, span_bytes_);
    auto quarry = Quarry::take(span, &data_);
    become_part(std::move(quarry), data_, data_ + span);
  } else {
    live += bytes - bytes_;
  }
  bytes_ = bytes;
  std::memcpy(data_, made, bytes);
#ifndef __wasm__
  std::free(block);
#endif
  return {};
}

void Buffer::become_part(std::shared_ptr<void> quarry, std::byte* from, std::byte* to) {
  kind_ = Kind::kPart;
  owner_ = std::move(quarry);
  span_ = from;
  span_bytes_ = from < to ? static_cast<size_t>(to - from) : 0;
}

void Buffer::break_up(const std::shared_ptr<Buffer>& whole, std::span<const std::shared_ptr<Buffer>> parts) {
  std::vector<Buffer*> list;
  for (const auto& part : parts) {
    if (part->owner_ != whole) continue;
    list.push_back(part.get());
    // Nearly all come in order.
    for (size_t i = list.size() - 1; i > 0 && list[i]->data_ < list[i - 1]->data_; --i)
      std::swap(list[i - 1], list[i]);
    if (list.size() > kMostParts) return;
  }
  if (whole->kind_ != Kind::kOwned || static_cast<size_t>(whole.use_count()) != list.size() + 1) return;
  auto down = [](const std::byte* at) {
    return reinterpret_cast<uintptr_t>(at) / Quarry::kGrain * Quarry::kGrain;
  };
  auto up = [&](const std::byte* at) { return down(at + (Quarry::kGrain - 1)); };
  auto at = [](uintptr_t address) { return reinterpret_cast<std::byte*>(address); };
  auto quarry = std::make_shared<Quarry>(whole);
  // All up to here belongs to a part or has been given.
  uintptr_t done = down(whole->data_);
  auto give_until = [&](uintptr_t end) {
    if (done < end) quarry->give(at(done), end - done);
  };
  for (size_t i = 0; i < list.size(); ++i) {
    Buffer& part = *list[i];
    std::byte* end = part.data_ + part.bytes_;
    // What parts share is not given back.
    std::byte* next = i + 1 < list.size() ? list[i + 1]->data_ : at(up(end));
    uintptr_t from = down(part.data_);
    if (from < done) from = std::max(up(part.data_), done);
    give_until(from);
    part.become_part(quarry, at(from), at(up(end)) <= next ? at(up(end)) : at(down(std::min(end, next))));
    done = std::max(done, up(end));
  }
  give_until(up(whole->data_ + whole->bytes_));
}

Buffer::~Buffer() {
  auto* strings = reinterpret_cast<std::string*>(data_);
  for (size_t i = 0; i < strings_; ++i) strings[i].~basic_string();
  if (kind_ == Kind::kPart && span_bytes_ != 0) static_cast<Quarry*>(owner_.get())->give(span_, span_bytes_);
  if (kind_ != Kind::kOwned) return;
  live -= bytes_;
  std::free(span_);
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
