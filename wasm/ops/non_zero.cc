#include <cstring>

#include "kernels/copy/element.h"
#include "ops/converted.h"
#include "ops/element.h"

namespace kinglet::ops {

namespace {

struct Params {
  DType dtype;
};

// True where an element is not zero; -0 is zero, NaN is not, an empty string is.
template <class T>
struct NonZeroTest {
  uint64_t mask;  // of the bits that make a value differ from zero
  bool always;
  explicit NonZeroTest(DType dtype) {
    int bits = dtype == DType::kComplex64 ? 32 : dtype_bits(dtype);
    mask = bits >= 64 || bits == 0 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    // The unsigned-zero formats have no -0: their sign bit alone is NaN.
    bool has_sign = (dtype_kind(dtype) == 'f' || dtype_kind(dtype) == 'c') &&
                    dtype != DType::kFloat8E4M3FNUZ && dtype != DType::kFloat8E5M2FNUZ;
    always = dtype == DType::kFloat8E8M0;
    if (has_sign) mask >>= 1;
    if (dtype == DType::kComplex64) mask |= mask << 32;
    if (dtype == DType::kComplex128) mask = ~uint64_t{0} >> 1;
  }
  bool operator()(const T& x) const {
    if constexpr (std::is_same_v<T, std::string>)
      return !x.empty();
    else if constexpr (std::is_same_v<T, kernels::Bytes16>)
      return (x.low & mask) != 0 || (x.high & mask) != 0;
    else
      return always || (x & mask) != 0;
  }
};

Status run(const Params& p, Run& run) {
  const Tensor& in = run.in(0);
  int64_t count = in.count(), found = 0;
  Result<Tensor> result = fail(Code::kInternal, "no element type");
  kernels::with_element(element_bytes(in.dtype()), [&]<class T>() {
    NonZeroTest<T> test(p.dtype);
    const T* x = in.data<T>();
    for (int64_t i = 0; i < count; ++i) found += test(x[i]);
    result = run.alloc_out(0, DType::kInt64, {in.rank(), found});
    if (!result.ok()) return;
    auto* out = result->data<int64_t>();
    for (int64_t i = 0, at = 0; i < count; ++i) {
      if (!test(x[i])) continue;
      int64_t rest = i;
      for (int axis = in.rank() - 1; axis >= 0; --axis) {
        out[axis * found + at] = rest % in.shape().at(axis);
        rest /= in.shape().at(axis);
      }
      ++at;
    }
  });
  return std::move(result.status());
}

Status infer(InferContext& c) {
  c.output_unknown(0, DType::kInt64);
  return {};
}

Status lower(LowerContext& c) {
  add_move_step<run>(c, "non_zero", c.dtype(0), Params{c.dtype(0)});
  return {};
}

}  // namespace

extern const OpDef non_zero{.domain = kOnnx,
                            .name = "NonZero",
                            .signature = "X:T -> Y:int64 | T=all",
                            .infer = infer,
                            .lower = lower};

}  // namespace kinglet::ops
