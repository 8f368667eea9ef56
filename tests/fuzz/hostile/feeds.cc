#include "fuzz/hostile/feeds.h"

#include <cstring>
#include <fstream>
#include <iterator>

#include "frontends/onnx/reader.h"

namespace kinglet::hostile {

namespace {

// Elements of a made-up tensor at most: larger ones only cost time.
constexpr int64_t kMostElements = 1 << 16;

bool fits(const Type& declared, const Tensor& t) {
  if (declared.kind != Type::Kind::kTensor || t.dtype() != declared.dtype) return false;
  if (!declared.has_shape) return true;
  if (declared.dims.size() != t.shape().size()) return false;
  for (size_t i = 0; i < declared.dims.size(); ++i) {
    if (declared.dims[i].value >= 0 && declared.dims[i].value != t.shape()[i]) return false;
  }
  return true;
}

void fill(const Tensor& t, Random& random) {
  if (t.dtype() == DType::kString) {
    for (std::string& s : t.values<std::string>()) s = std::string(random.below(5), 'a');
    return;
  }
  if (t.bytes() == 0) return;
  bool wild = random.one_in(4);
  char kind = dtype_kind(t.dtype());
  if (t.dtype() == DType::kBool) {
    for (uint8_t& b : t.values<uint8_t>()) b = random.below(2);
  } else if (t.dtype() == DType::kFloat32) {
    for (float& x : t.values<float>())
      x = wild ? static_cast<float>(hostile_integer(random, 0))
               : static_cast<float>(random.below(2000)) / 1000 - 1;
  } else if (t.dtype() == DType::kInt64) {
    for (int64_t& x : t.values<int64_t>())
      x = wild ? hostile_integer(random, t.count()) : static_cast<int64_t>(random.below(6)) - 1;
  } else if (t.dtype() == DType::kInt32) {
    for (int32_t& x : t.values<int32_t>())
      x = wild ? static_cast<int32_t>(hostile_integer(random, t.count()))
               : static_cast<int32_t>(random.below(6)) - 1;
  } else if (kind == 'f' && !wild) {
    std::memset(t.data(), 0x3c, t.bytes());
  } else {
    for (size_t i = 0; i < t.bytes(); ++i)
      t.data()[i] = static_cast<std::byte>(wild ? random.next() : random.below(3));
  }
}

Value make(const Type& type, Random& random, int depth = 0) {
  if (type.kind == Type::Kind::kOptional)
    return random.one_in(3) || !type.element ? Value() : make(*type.element, random, depth + 1);
  if (type.kind == Type::Kind::kSequence) {
    Sequence items;
    for (size_t n = random.below(4); type.element && depth < 3 && n > 0; --n)
      items.push_back(make(*type.element, random, depth + 1));
    return Value(std::move(items));
  }
  if (type.kind == Type::Kind::kMap) {
    auto keys = Tensor::allocate(type.dtype, {2});
    if (!keys.ok() || !type.element) return {};
    fill(*keys, random);
    Type values = *type.element;
    values.has_shape = true;
    values.dims = {{2, ""}};
    return Value(Map{*keys, make(values, random, depth + 1)});
  }
  Shape shape;
  for (const Dim& dim : type.dims) {
    if (shape.size() == kMaxRank) break;
    shape.push_back(dim.value >= 0 ? dim.value : 1 + static_cast<int64_t>(random.below(4)));
  }
  if (!type.has_shape) shape = {2, 3};
  auto count = checked_count(shape);
  if (!count.ok() || *count > kMostElements) return {};
  DType dtype = type.dtype == DType::kNone ? DType::kFloat32 : type.dtype;
  auto t = Tensor::allocate(dtype, shape);
  if (!t.ok()) return {};
  fill(*t, random);
  return Value(std::move(*t));
}

}  // namespace

std::vector<Tensor> read_vectors(const std::string& folder) {
  std::vector<Tensor> out;
  for (int i = 0;; ++i) {
    std::ifstream file(folder + "/test_data_set_0/input_" + std::to_string(i) + ".pb", std::ios::binary);
    if (!file) return out;
    std::string text((std::istreambuf_iterator<char>(file)), {});
    auto bytes = Buffer::allocate(text.size());
    if (bytes.ok() && !text.empty()) std::memcpy((*bytes)->data(), text.data(), text.size());
    auto tensor = read_onnx_tensor(bytes.ok() ? *bytes : nullptr);
    out.push_back(tensor.ok() ? *tensor : Tensor());
  }
}

void carry_some(Session& session, Random& random) {
  for (size_t i = 0; i < session.inputs().size(); ++i) {
    for (size_t o = 0; o < session.outputs().size(); ++o) {
      if (random.one_in(2) && session.carry(i, o).ok()) break;
    }
  }
}

void set_feeds(Session& session, const std::vector<Tensor>& vectors, Random& random, bool few) {
  auto feeds = session.new_feeds();
  bool given = !random.one_in(3);
  for (size_t i = 0; i < session.inputs().size(); ++i) {
    if (few && random.one_in(2)) continue;
    const SessionPort& port = session.inputs()[i];
    Value value;
    if (given && i < vectors.size() && fits(port.type, vectors[i]))
      value = vectors[i];
    else
      value = make(port.type, random);
    feeds[i] = std::move(value);
  }
}

}  // namespace kinglet::hostile
