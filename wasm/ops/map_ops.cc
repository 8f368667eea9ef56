// Operators of ai.onnx.ml on maps.
#include <algorithm>

#include "ops/key_table.h"
#include "ops/ml.h"

namespace kinglet::ops {

namespace {

// The map behind input 0 with its values as one tensor.
struct FlatMap {
  Tensor keys, values;
};

Result<FlatMap> flat_map_of(EvalContext& c) {
  const Map* map = c.input(0).map();
  KL_REQUIRE(map != nullptr, kInvalidInput, "X is not a map");
  const Tensor* values = map->values.tensor();
  KL_REQUIRE(values != nullptr && values->rank() == 1 && values->count() == map->keys.count(), kInvalidInput,
             "the map's values are not numbers or strings");
  KL_REQUIRE(map->keys.dtype() == DType::kInt64 || map->keys.dtype() == DType::kString, kInvalidInput,
             "the map's keys are ", map->keys.dtype());
  return FlatMap{map->keys, *values};
}

Status zip_map(EvalContext& c) {
  KL_ASSIGN(Tensor keys, list_of(c.attributes(), "classlabels_int64s", "classlabels_strings"));
  KL_REQUIRE(!keys.empty(), kInvalidGraph, "there are no class labels");
  KL_ASSIGN(Tensor x, c.tensor(0));
  KL_REQUIRE(
      x.dtype() == DType::kFloat32 && (x.rank() == 1 || x.rank() == 2) && x.shape().back() == keys.count(),
      kInvalidShape, "X is ", x.dtype(), x.shape(), " for ", keys.count(), " keys");
  int64_t rows = x.rank() == 1 ? 1 : x.shape()[0];
  KL_ASSIGN(size_t row_bytes, checked_bytes(DType::kFloat32, keys.count()));
  Sequence out;
  for (int64_t r = 0; r < rows; ++r) {
    auto offset = static_cast<size_t>(x.data() - x.buffer()->data()) + static_cast<size_t>(r) * row_bytes;
    out.emplace_back(Map{keys, Value(Tensor(DType::kFloat32, {keys.count()}, x.buffer(), offset))});
  }
  c.output(0, std::move(out));
  return {};
}

Result<Tensor> cast(EvalContext& c, const Tensor& t, DType to) {
  Attributes attributes;
  attributes.set("to", static_cast<int64_t>(to));
  const Value in[] = {t};
  KL_ASSIGN(std::vector<Value> out, c.apply("Cast", in, std::move(attributes)));
  return *out[0].tensor();
}

// Element `from` of one tensor to place `to` of another of its type.
void copy_element(const Tensor& in, int64_t from, const Tensor& out, int64_t to) {
  if (in.dtype() == DType::kString) {
    out.data<std::string>()[to] = in.data<std::string>()[from];
    return;
  }
  int64_t bytes = dtype_bits(in.dtype()) / 8;
  std::copy_n(in.data() + from * bytes, bytes, out.data() + to * bytes);
}

Status cast_map(EvalContext& c) {
  std::string_view name = c.attributes().get_string("cast_to", "TO_FLOAT");
  std::string_view form = c.attributes().get_string("map_form", "DENSE");
  DType to = name == "TO_FLOAT"    ? DType::kFloat32
             : name == "TO_INT64"  ? DType::kInt64
             : name == "TO_STRING" ? DType::kString
                                   : DType::kNone;
  KL_REQUIRE(to != DType::kNone, kInvalidGraph, "cast_to is ", name);
  KL_REQUIRE(form == "DENSE" || form == "SPARSE", kInvalidGraph, "map_form is ", form);
  KL_ASSIGN(FlatMap map, flat_map_of(c));
  KL_REQUIRE(map.keys.dtype() == DType::kInt64, kInvalidInput, "the map's keys are ", map.keys.dtype());
  KL_ASSIGN(Tensor values, cast(c, map.values, to));
  auto keys = map.keys.values<int64_t>();
  bool sparse = form == "SPARSE";
  int64_t count = sparse ? c.attributes().get_int("max_map", 1) : map.keys.count();
  KL_ASSIGN(Tensor out, Tensor::allocate(to, {1, count}));
  if (sparse && to == DType::kString) std::ranges::fill(out.values<std::string>(), "0.f");
  KeyPlaces order;
  for (size_t i = 0; i < keys.size(); ++i) {
    KL_REQUIRE(!sparse || keys[i] >= 0, kInvalidInput, "the map has the key ", keys[i]);
    // Without the sign the order is that of the numbers.
    order.emplace_back(static_cast<uint64_t>(keys[i]) ^ uint64_t{1} << 63, static_cast<int32_t>(i));
  }
  sort_keys(order);
  for (size_t i = 0; i < order.size(); ++i) {
    int64_t place = sparse ? keys[static_cast<size_t>(order[i].second)] : static_cast<int64_t>(i);
    if (place < count) copy_element(values, order[i].second, out, place);
  }
  c.output(0, out);
  return {};
}

Status dict_vectorizer(EvalContext& c) {
  KL_ASSIGN(Tensor words, list_of(c.attributes(), "int64_vocabulary", "string_vocabulary"));
  KL_REQUIRE(!words.empty(), kInvalidGraph, "there is no vocabulary");
  KL_ASSIGN(FlatMap map, flat_map_of(c));
  KL_REQUIRE(map.keys.dtype() == words.dtype(), kInvalidInput, "the map's keys are ", map.keys.dtype(),
             ", the vocabulary is ", words.dtype());
  int64_t count = words.count();
  KeyTable keys(map.keys);
  // A word takes the value of its key; keys that are no words are left out.
  KL_ASSIGN(Tensor out, Tensor::allocate(map.values.dtype(), {1, count}));
  for (int64_t i = 0; i < count; ++i) {
    int32_t at = keys.of_strings() ? keys.find(std::string_view(words.data<std::string>()[i]))
                                   : keys.find(words.data<int64_t>()[i]);
    if (at >= 0) copy_element(map.values, at, out, i);
  }
  c.output(0, out);
  return {};
}

constexpr OpDef kMapOps[] = {
    {.domain = kOnnxMl,
     .name = "CastMap",
     .signature = "X:any -> Y:any | | cast_to:s='TO_FLOAT' map_form:s='DENSE' max_map:i=1",
     .eval = cast_map},
    {.domain = kOnnxMl,
     .name = "DictVectorizer",
     .signature = "X:any -> Y:any | | int64_vocabulary:is string_vocabulary:ss",
     .eval = dict_vectorizer},
    {.domain = kOnnxMl,
     .name = "ZipMap",
     .signature = "X:float32 -> Z:any | | classlabels_int64s:is classlabels_strings:ss",
     .eval = zip_map},
};

}  // namespace

std::span<const OpDef> map_ops() { return kMapOps; }

}  // namespace kinglet::ops
