#include <cmath>

#include "kernels/cast/convert.h"
#include "kernels/copy/element.h"
#include "ops/converted.h"
#include "ops/element.h"
#include "ops/key_table.h"
#include "ops/ml.h"

namespace kinglet::ops {

namespace {

// Lists that map keys to values, and the value for all other keys, one element of the values' type.
struct Mapping {
  Tensor keys, values, other;
};

Result<Tensor> default_of(const Attributes& a, DType dtype) {
  if (const Tensor* t = a.get_tensor("default_tensor")) {
    KL_REQUIRE(t->count() == 1 && t->dtype() == dtype, kInvalidGraph, "default_tensor is ", t->dtype(),
               t->shape(), ", the values are ", dtype);
    return *t;
  }
  if (dtype == DType::kString)
    return Tensor::scalar<std::string>(std::string(a.get_string("default_string", "_Unused")));
  if (dtype == DType::kInt64) return Tensor::scalar<int64_t>(a.get_int("default_int64", -1));
  bool floats = dtype_kind(dtype) == 'f';
  return element_of(dtype, floats ? static_cast<double>(a.get_float("default_float", -0.0f)) : -1.0);
}

Result<Mapping> encoder_mapping(const OpContext& c) {
  const Attributes& a = c.attributes();
  Mapping m;
  KL_ASSIGN(m.keys, list_of(a, "keys_int64s", "keys_strings", "keys_floats", "keys_tensor"));
  KL_ASSIGN(m.values, list_of(a, "values_int64s", "values_strings", "values_floats", "values_tensor"));
  KL_REQUIRE(!m.keys.empty() && !m.values.empty(), kInvalidGraph, "there are no keys or no values");
  KL_ASSIGN(m.other, default_of(a, m.values.dtype()));
  return m;
}

// Integers to strings or back, whichever X is not.
Result<Mapping> category_mapping(const OpContext& c) {
  const Attributes& a = c.attributes();
  KL_ASSIGN(Tensor numbers, Tensor::of<int64_t>({static_cast<int64_t>(a.get_ints("cats_int64s").size())},
                                                a.get_ints("cats_int64s")));
  KL_ASSIGN(Tensor strings,
            Tensor::of<std::string>({static_cast<int64_t>(a.get_strings("cats_strings").size())},
                                    a.get_strings("cats_strings")));
  bool from_string = c.dtype(0) == DType::kString;
  Mapping m{from_string ? strings : numbers, from_string ? numbers : strings, {}};
  KL_ASSIGN(m.other, default_of(a, m.values.dtype()));
  return m;
}

using MappingOf = Result<Mapping> (*)(const OpContext&);

struct Params {
  KeyTable table;
  Tensor values, other;
};

Status run(const Params& p, Run& run) {
  const Tensor &in = run.in(0), &out = run.out(0);
  kernels::with_element(element_bytes(out.dtype()), [&]<class T>() {
    int32_t places[kRun];
    for (int64_t at = 0; at < in.count(); at += kRun) {
      auto n = static_cast<size_t>(std::min<int64_t>(kRun, in.count() - at));
      p.table.find(in, at, n, false, places);
      for (size_t i = 0; i < n; ++i)
        out.data<T>()[at + static_cast<int64_t>(i)] =
            places[i] < 0 ? *p.other.data<T>() : p.values.data<T>()[places[i]];
    }
  });
  return {};
}

template <MappingOf kMapping>
Status infer(InferContext& c) {
  KL_ASSIGN(Mapping m, kMapping(c));
  KL_REQUIRE(m.keys.count() == m.values.count(), kInvalidGraph, m.keys.count(), " keys but ",
             m.values.count(), " values");
  bool strings = m.keys.dtype() == DType::kString;
  KL_REQUIRE(strings == (c.dtype(0) == DType::kString), kInvalidGraph, "keys are ", m.keys.dtype(), ", X is ",
             c.dtype(0));
  c.output(0, m.values.dtype(), c.shape(0));
  return {};
}

template <MappingOf kMapping>
Status lower(LowerContext& c) {
  KL_ASSIGN(Mapping m, kMapping(c));
  c.step<run>("map_labels", Params{KeyTable(m.keys), m.values, m.other});
  return {};
}

struct OneHotParams {
  KeyTable table;
  int64_t categories;
  bool zeros;
};

Status run_one_hot(const OneHotParams& p, Run& run) {
  const Tensor &in = run.in(0), &out = run.out(0);
  std::fill_n(out.data<float>(), out.count(), 0.0f);
  int32_t places[kRun];
  for (int64_t at = 0; at < in.count(); at += kRun) {
    auto n = static_cast<size_t>(std::min<int64_t>(kRun, in.count() - at));
    p.table.find(in, at, n, true, places);
    for (size_t i = 0; i < n; ++i) {
      int64_t element = at + static_cast<int64_t>(i);
      KL_REQUIRE(places[i] >= 0 || p.zeros, kInvalidInput, "element ", element, " is of no known category");
      if (places[i] >= 0) out.data<float>()[element * p.categories + places[i]] = 1;
    }
  }
  return {};
}

Status infer_one_hot(InferContext& c) {
  KL_ASSIGN(Tensor categories, list_of(c.attributes(), "cats_int64s", "cats_strings"));
  KL_REQUIRE(!categories.empty(), kInvalidGraph, "there are no categories");
  bool strings = categories.dtype() == DType::kString;
  KL_REQUIRE(strings == (c.dtype(0) == DType::kString), kInvalidGraph, "categories are ", categories.dtype(),
             ", X is ", c.dtype(0));
  KL_REQUIRE(c.rank(0) < kMaxRank, kLimitExceeded, "rank ", c.rank(0) + 1, " is above ", kMaxRank);
  Shape out = c.shape(0);
  out.push_back(categories.count());
  c.output(0, DType::kFloat32, out);
  return {};
}

Status lower_one_hot(LowerContext& c) {
  KL_ASSIGN(Tensor categories, list_of(c.attributes(), "cats_int64s", "cats_strings"));
  int64_t count = categories.count();
  c.step<run_one_hot>("one_hot_categories", OneHotParams{KeyTable(std::move(categories)), count,
                                                         c.attributes().get_int("zeros", 1) != 0});
  return {};
}

constexpr OpDef kEncoders[] = {
    {kOnnxMl, "CategoryMapper",
     "X:T1 -> Y:T2 | T1=string,int64 T2=string,int64 | cats_int64s:is cats_strings:ss default_int64:i=-1 "
     "default_string:s='_Unused'",
     infer<category_mapping>, lower<category_mapping>},
    {kOnnxMl, "LabelEncoder",
     "X:T1 -> Y:T2 | T1=string,numeric,bool T2=string,numeric,bool | default_float:f=-0 default_int64:i=-1 "
     "default_string:s='_Unused' default_tensor:t keys_floats:fs keys_int64s:is keys_strings:ss "
     "keys_tensor:t "
     "values_floats:fs values_int64s:is values_strings:ss values_tensor:t",
     infer<encoder_mapping>, lower<encoder_mapping>},
    {kOnnxMl, "OneHotEncoder",
     "X:string,int64,int32,float32,float64 -> Y:float32 | | cats_int64s:is cats_strings:ss zeros:i=1",
     infer_one_hot, lower_one_hot},
};

}  // namespace

std::span<const OpDef> label_encoder() { return kEncoders; }

}  // namespace kinglet::ops
