#include <array>

#include "frontends/onnx/message.h"

namespace kinglet::onnx {

namespace {

constexpr uint32_t kFieldOf[] = {0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 22, 23, 14, 15};

AttributeMessage::Kind kind_of_field(uint32_t field) {
  static constexpr auto kKinds = [] {
    std::array<uint8_t, 24> kinds = {};
    for (uint8_t kind = 1; kind < std::size(kFieldOf); ++kind) kinds[kFieldOf[kind]] = kind;
    return kinds;
  }();
  return static_cast<AttributeMessage::Kind>(field < kKinds.size() ? kKinds[field] : 0);
}

// Calls read(m) for each occurrence of `field`; read gives a Status.
template <class Read>
Status each(Bytes bytes, uint32_t field, Read&& read) {
  Message m(bytes);
  while (m.next()) {
    if (m.field() == field) KL_TRY(read(m));
  }
  return m.finish();
}

template <class T>
Result<AttributeValue> numbers(Bytes bytes, uint32_t field) {
  std::vector<T> out;
  KL_TRY(each(bytes, field, [&](Message& m) { return m.append_to(&out), Status(); }));
  return AttributeValue(std::move(out));
}

}  // namespace

Result<AttributeMessage> read_attribute(Bytes bytes) {
  AttributeMessage out;
  AttributeMessage::Kind seen = AttributeMessage::kNone;
  Message m(bytes);
  while (m.next()) {
    switch (m.field()) {
      case 1:
        out.name = m.text();
        break;
      case 20: {
        int64_t kind = m.integer();
        KL_REQUIRE(kind >= 0 && kind <= AttributeMessage::kTypes, kInvalidModel, "attribute ", out.name,
                   " has the type ", kind);
        out.kind = static_cast<AttributeMessage::Kind>(kind);
        break;
      }
      case 21:
        out.reference = m.text();
        break;
      default:
        if (auto kind = kind_of_field(m.field()); kind != AttributeMessage::kNone) seen = kind;
    }
  }
  KL_TRY(m.finish());
  if (out.kind == AttributeMessage::kNone) out.kind = seen;
  KL_REQUIRE(!out.name.empty(), kInvalidModel, "an attribute has no name");
  KL_REQUIRE(out.kind != AttributeMessage::kNone || !out.reference.empty(), kInvalidModel, "attribute ",
             out.name, " has no value");
  return out;
}

Result<AttributeValue> read_attribute_value(Bytes bytes, AttributeMessage::Kind kind, Storage& storage) {
  uint32_t field = kFieldOf[kind];
  AttributeValue out;
  switch (kind) {
    case AttributeMessage::kFloat:
      out = 0.0f;
      KL_TRY(each(bytes, field, [&](Message& m) { return out = m.float32(), Status(); }));
      return out;
    case AttributeMessage::kInt:
      out = int64_t{0};
      KL_TRY(each(bytes, field, [&](Message& m) { return out = m.integer(), Status(); }));
      return out;
    case AttributeMessage::kString:
      out = std::string();
      KL_TRY(each(bytes, field, [&](Message& m) { return out = std::string(m.text()), Status(); }));
      return out;
    case AttributeMessage::kFloats:
      return numbers<float>(bytes, field);
    case AttributeMessage::kInts:
      return numbers<int64_t>(bytes, field);
    case AttributeMessage::kStrings: {
      std::vector<std::string> list;
      KL_TRY(each(bytes, field, [&](Message& m) { return list.emplace_back(m.text()), Status(); }));
      return AttributeValue(std::move(list));
    }
    case AttributeMessage::kTensor:
    case AttributeMessage::kSparseTensor: {
      Tensor tensor;
      KL_TRY(each(bytes, field, [&](Message& m) -> Status {
        bool dense = kind == AttributeMessage::kTensor;
        KL_ASSIGN(tensor, dense ? read_tensor(m.bytes(), storage) : read_sparse_tensor(m.bytes(), storage));
        return {};
      }));
      KL_REQUIRE(!tensor.empty(), kInvalidModel, "a tensor attribute has no tensor");
      return AttributeValue(std::move(tensor));
    }
    case AttributeMessage::kTensors: {
      std::vector<Tensor> list;
      KL_TRY(each(bytes, field, [&](Message& m) -> Status {
        KL_ASSIGN(Tensor tensor, read_tensor(m.bytes(), storage));
        list.push_back(std::move(tensor));
        return {};
      }));
      return AttributeValue(std::move(list));
    }
    case AttributeMessage::kType: {
      Type type;
      KL_TRY(each(bytes, field, [&](Message& m) -> Status {
        KL_ASSIGN(type, read_type(m.bytes()));
        return {};
      }));
      return AttributeValue(std::move(type));
    }
    default:
      return fail(Code::kUnsupportedFeature, "attributes of kind ", static_cast<int>(kind),
                  " are not supported");
  }
}

Result<Bytes> read_attribute_graph(Bytes bytes) {
  Bytes out;
  bool found = false;
  KL_TRY(each(bytes, kFieldOf[AttributeMessage::kGraph], [&](Message& m) {
    out = m.bytes();
    found = true;
    return Status();
  }));
  KL_REQUIRE(found, kInvalidModel, "a graph attribute has no graph");
  return out;
}

}  // namespace kinglet::onnx
