#include "frontends/onnx/wire.h"

#include <algorithm>
#include <bit>

namespace kinglet::onnx {

static_assert(std::endian::native == std::endian::little);

void Message::stop(Status failure) {
  if (failure_.ok()) failure_ = std::move(failure);
  rest_ = ByteReader({});
}

bool Message::read(uint64_t* number) {
  if (rest_.short_varint(number)) return true;
  auto value = rest_.varint();
  if (!value.ok()) return stop(std::move(value.status())), false;
  *number = *value;
  return true;
}

bool Message::take(uint64_t count) {
  auto taken = rest_.take(count);
  if (!taken.ok()) return stop(std::move(taken.status())), false;
  bytes_ = *taken;
  return true;
}

bool Message::next() {
  if (rest_.done()) return false;
  uint64_t tag = 0, length = 0;
  if (!read(&tag)) return false;
  uint64_t field = tag >> 3;
  if (field == 0 || field > 0x1fffffff)
    return stop(fail(Code::kInvalidModel, "a message has the field number ", field)), false;
  field_ = static_cast<uint32_t>(field);
  wire_ = static_cast<Wire>(tag & 7);
  switch (wire_) {
    case kVarint:
      return read(&number_);
    case kFixed64:
      return take(8);
    case kFixed32:
      return take(4);
    case kBytes:
      return read(&length) && take(length);
  }
  stop(fail(Code::kInvalidModel, "field ", field_, " has the wire type ", static_cast<int>(tag & 7)));
  return false;
}

bool Message::expect(Wire wire) {
  if (wire_ == wire) return true;
  stop(fail(Code::kInvalidModel, "field ", field_, " has the wire type ", static_cast<int>(wire_), ", not ",
            static_cast<int>(wire)));
  return false;
}

Bytes Message::bytes() { return expect(kBytes) ? bytes_ : Bytes(); }

int64_t Message::integer() { return expect(kVarint) ? static_cast<int64_t>(number_) : 0; }

float Message::float32() {
  float value = 0;
  if (expect(kFixed32)) std::memcpy(&value, bytes_.data(), sizeof value);
  return value;
}

void Message::append_to(std::vector<int64_t>* out) {
  if (wire_ != kBytes) {
    if (expect(kVarint)) out->push_back(static_cast<int64_t>(number_));
    return;
  }
  out->reserve(out->size() + count_varints());
  for (ByteReader packed(bytes_); !packed.done();) {
    auto value = packed.varint();
    if (!value.ok()) return stop(std::move(value.status()));
    out->push_back(static_cast<int64_t>(*value));
  }
}

size_t Message::count_varints() {
  if (wire_ != kBytes) return expect(kVarint) ? 1 : 0;
  return static_cast<size_t>(
      std::ranges::count_if(bytes_, [](std::byte b) { return (b & std::byte{0x80}) == std::byte{0}; }));
}

template <class T>
void Message::append_fixed(Wire wire, std::vector<T>* out) {
  if (wire_ != kBytes && !expect(wire)) return;
  if (bytes_.size() % sizeof(T) != 0)
    return stop(
        fail(Code::kInvalidModel, "field ", field_, " has ", bytes_.size(), " bytes of packed numbers"));
  if (bytes_.empty()) return;
  size_t at = out->size();
  out->resize(at + bytes_.size() / sizeof(T));
  std::memcpy(out->data() + at, bytes_.data(), bytes_.size());
}

void Message::append_to(std::vector<float>* out) { append_fixed(kFixed32, out); }
void Message::append_to(std::vector<double>* out) { append_fixed(kFixed64, out); }

}  // namespace kinglet::onnx
