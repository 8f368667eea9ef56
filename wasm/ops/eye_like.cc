#include "kernels/copy/copy.h"
#include "ops/converted.h"
#include "ops/element.h"

namespace kinglet::ops {

namespace {

struct Params {
  int64_t k;
  Tensor zero, one;
};

Status run(const Params& p, Run& run) {
  const Tensor& out = run.out(0);
  int bytes = element_bytes(out.dtype());
  int64_t rows = out.shape()[0], columns = out.shape()[1];
  kernels::fill(bytes, p.zero.data(), out.data(), out.count(), run.parallel());
  // The diagonal from (first, first + k) on.
  int64_t first = p.k < 0 ? (p.k < -rows ? rows : -p.k) : 0;
  int64_t length = p.k >= columns ? 0 : std::min(rows - first, columns - (first + p.k));
  if (length <= 0) return {};
  kernels::Box box;
  box.add(length, 0, columns + 1);
  box.target_offset = first * columns + first + p.k;
  kernels::copy_box(box, bytes, p.one.data(), out.data(), run.parallel());
  return {};
}

Status infer(InferContext& c) {
  KL_REQUIRE(c.rank(0) == 2, kInvalidShape, "input ", c.shape(0), " must have two dimensions");
  int64_t dtype = c.attributes().get_int("dtype", static_cast<int64_t>(c.dtype(0)));
  KL_REQUIRE(is_dtype(dtype) && std::string_view("fiub").find(dtype_kind(static_cast<DType>(dtype))) !=
                                    std::string_view::npos,
             kUnsupportedType, "dtype is ", dtype);
  c.output(0, static_cast<DType>(dtype), c.shape(0));
  return {};
}

Status lower(LowerContext& c) {
  Params p{c.attributes().get_int("k"), {}, {}};
  KL_ASSIGN(p.zero, element_of(c.out_dtype(0), 0));
  KL_ASSIGN(p.one, element_of(c.out_dtype(0), 1));
  add_move_step<run>(c, "eye", c.out_dtype(0), std::move(p));
  return {};
}

}  // namespace

extern const OpDef eye_like{
    .domain = kOnnx,
    .name = "EyeLike",
    .signature = "input:T1 -> output:T2 | T1=numeric,bool T2=numeric,bool | dtype:i k:i=0",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
