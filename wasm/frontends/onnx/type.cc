#include "frontends/onnx/message.h"

namespace kinglet::onnx {

namespace {

Result<Dim> read_dim(Bytes bytes) {
  Dim out;
  Message m(bytes);
  while (m.next()) {
    if (m.field() == 1) out.value = std::max<int64_t>(m.integer(), -1);
    if (m.field() == 2) out.symbol = m.text();
  }
  KL_TRY(m.finish());
  return out;
}

Result<DType> read_dtype(int64_t number) {
  if (number == 0) return DType::kNone;
  if (!is_dtype(number)) return fail(Code::kUnsupportedType, "element type ", number, " is not known");
  return static_cast<DType>(number);
}

Status read_shape(Bytes bytes, Type* out) {
  out->has_shape = true;
  Message m(bytes);
  while (m.next()) {
    if (m.field() != 1) continue;
    KL_REQUIRE(out->dims.size() < kMaxRank, kLimitExceeded, "a shape has more than ", kMaxRank, " extents");
    KL_ASSIGN(Dim dim, read_dim(m.bytes()));
    out->dims.push_back(std::move(dim));
  }
  return m.finish();
}

// TypeProto.Tensor, .SparseTensor, .Sequence, .Optional and .Map, told apart by `out->kind`.
Status read_kind(Bytes bytes, int depth, Type* out) {
  Message m(bytes);
  while (m.next()) {
    bool tensor = out->kind == Type::Kind::kTensor, map = out->kind == Type::Kind::kMap;
    if (m.field() == 1 && (tensor || map)) {
      KL_ASSIGN(out->dtype, read_dtype(m.integer()));
    } else if (m.field() == 2 && tensor) {
      KL_TRY(read_shape(m.bytes(), out));
    } else if (m.field() == (map ? 2u : 1u)) {
      KL_ASSIGN(Type element, read_type(m.bytes(), depth + 1));
      out->element = std::make_shared<const Type>(std::move(element));
    }
  }
  return m.finish();
}

}  // namespace

Result<Type> read_type(Bytes bytes, int depth) {
  KL_REQUIRE(depth < kMaxDepth, kLimitExceeded, "a type is nested more than ", kMaxDepth, " deep");
  Type out;
  Message m(bytes);
  while (m.next()) {
    switch (m.field()) {
      case 1:
      case 8:
        out.kind = Type::Kind::kTensor;
        break;
      case 4:
        out.kind = Type::Kind::kSequence;
        break;
      case 5:
        out.kind = Type::Kind::kMap;
        break;
      case 9:
        out.kind = Type::Kind::kOptional;
        break;
      case 7:
        return fail(Code::kUnsupportedType, "opaque types are not supported");
      default:
        continue;
    }
    KL_TRY(read_kind(m.bytes(), depth, &out));
  }
  KL_TRY(m.finish());
  return out;
}

Result<ValueMessage> read_value(Bytes bytes) {
  ValueMessage out;
  Bytes type;
  Message m(bytes);
  while (m.next()) {
    if (m.field() == 1) out.name = m.text();
    if (m.field() == 2) type = m.bytes();
  }
  KL_TRY(m.finish());
  auto read = read_type(type);
  if (!read.ok()) return std::move(read.status()).with("value", std::string(out.name));
  out.type = std::move(*read);
  return out;
}

}  // namespace kinglet::onnx
