#pragma once
// The protobuf wire format, read in place. Groups are refused; nothing is copied.
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace kinglet::onnx {

// A cursor over the fields of one message. The accessors read the current field; a field of another wire type
// than the one asked for, or bytes that end too early, stop the walk and show in `finish`.
//
//   Message m(bytes);
//   while (m.next()) switch (m.field()) { case 1: name = m.text(); break; ... }
//   KL_TRY(m.finish());
class Message {
 public:
  explicit Message(Bytes bytes) : rest_(bytes) {}
  // False at the end and after a failure.
  bool next();
  uint32_t field() const { return field_; }
  // Length-delimited fields.
  Bytes bytes();
  std::string_view text() { return as_text(bytes()); }
  // Varints. Negative numbers come sign-extended to 64 bits.
  int64_t integer();
  float float32();
  // Appends the entries of a repeated number, packed or single: int64_t as varint, float and double as fixed
  // width.
  void append_to(std::vector<int64_t>* out);
  void append_to(std::vector<float>* out);
  void append_to(std::vector<double>* out);
  // Entries of a repeated varint in the current field, packed or single.
  size_t count_varints();
  bool is_packed() const { return wire_ == kBytes; }

  Status finish() { return std::move(failure_); }

 private:
  enum Wire : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
  // False after a failure.
  bool read(uint64_t* number);
  bool take(uint64_t count);
  bool expect(Wire wire);
  template <class T>
  void append_fixed(Wire wire, std::vector<T>* out);
  void stop(Status failure);

  ByteReader rest_;
  Status failure_;
  uint32_t field_ = 0;
  Wire wire_ = kVarint;
  uint64_t number_ = 0;
  Bytes bytes_;
};

}  // namespace kinglet::onnx
