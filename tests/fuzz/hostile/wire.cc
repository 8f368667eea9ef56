#include "fuzz/hostile/wire.h"

namespace kinglet::hostile {

namespace {

struct Row {
  Kind parent;
  uint32_t number;
  Kind child;
};
using enum Kind;
constexpr Row kRows[] = {
    {kModel, 7, kGraph},         {kModel, 8, kOpset},         {kModel, 25, kFunction},
    {kGraph, 1, kNode},          {kGraph, 5, kTensor},        {kGraph, 11, kValueInfo},
    {kGraph, 12, kValueInfo},    {kGraph, 13, kValueInfo},    {kGraph, 15, kSparse},
    {kNode, 5, kAttribute},      {kAttribute, 5, kTensor},    {kAttribute, 6, kGraph},
    {kAttribute, 10, kTensor},   {kAttribute, 11, kGraph},    {kAttribute, 14, kType},
    {kAttribute, 15, kType},     {kAttribute, 22, kSparse},   {kAttribute, 23, kSparse},
    {kTensor, 13, kExternal},    {kSparse, 1, kTensor},       {kSparse, 2, kTensor},
    {kValueInfo, 2, kType},      {kType, 1, kTensorType},     {kType, 4, kElementType},
    {kType, 5, kMapType},        {kType, 8, kTensorType},     {kType, 9, kElementType},
    {kTensorType, 2, kShape},    {kElementType, 1, kType},    {kMapType, 2, kType},
    {kShape, 1, kDim},           {kFunction, 7, kNode},       {kFunction, 9, kOpset},
    {kFunction, 11, kAttribute}, {kFunction, 12, kValueInfo},
};

Kind child_of(Kind parent, uint32_t number) {
  for (const Row& row : kRows) {
    if (row.parent == parent && row.number == number) return row.child;
  }
  return kNone;
}

bool read_varint(std::string_view bytes, size_t* at, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 70 && *at < bytes.size(); shift += 7) {
    auto byte = static_cast<uint8_t>(bytes[(*at)++]);
    if (shift < 64) *value |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128) return true;
  }
  return false;
}

bool read_fields(std::string_view bytes, Kind kind, std::vector<Field>* out) {
  for (size_t at = 0; at < bytes.size();) {
    uint64_t tag, length;
    if (!read_varint(bytes, &at, &tag)) return false;
    Field field{
        .number = static_cast<uint32_t>(tag >> 3), .wire = static_cast<uint32_t>(tag & 7), .parent = kind};
    if (field.wire == 0) {
      if (!read_varint(bytes, &at, &field.value)) return false;
    } else if (field.wire == 1 || field.wire == 5) {
      size_t size = field.wire == 1 ? 8 : 4;
      if (bytes.size() - at < size) return false;
      for (size_t i = 0; i < size; ++i)
        field.value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[at++])) << 8 * i;
    } else if (field.wire == 2) {
      if (!read_varint(bytes, &at, &length) || length > bytes.size() - at) return false;
      std::string_view inside = bytes.substr(at, length);
      at += length;
      field.kind = child_of(kind, field.number);
      if (field.kind != kNone && !read_fields(inside, field.kind, &field.children)) {
        field.kind = kNone;
        field.children.clear();
      }
      if (field.kind == kNone) field.bytes = inside;
    } else {
      return false;
    }
    out->push_back(std::move(field));
  }
  return true;
}

void write_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

}  // namespace

std::vector<Field> parse(std::string_view bytes, Kind kind) {
  std::vector<Field> out;
  read_fields(bytes, kind, &out);
  return out;
}

std::string write(const std::vector<Field>& fields) {
  std::string out;
  for (const Field& field : fields) {
    write_varint(out, static_cast<uint64_t>(field.number) << 3 | field.wire);
    if (field.wire == 0) {
      write_varint(out, field.value);
    } else if (field.wire == 2) {
      std::string inside = field.kind == Kind::kNone ? field.bytes : write(field.children);
      write_varint(out, inside.size());
      out += inside;
    } else {
      for (int i = 0; i < (field.wire == 1 ? 8 : 4); ++i) out += static_cast<char>(field.value >> 8 * i);
    }
  }
  return out;
}

}  // namespace kinglet::hostile
