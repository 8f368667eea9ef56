#include "kernels/deform/deform.h"
#include "kernels/matmul/matmul.h"
#include "ops/converted.h"

namespace kinglet::ops {

namespace {

struct Params {
  Deform deform;
  int64_t batch, channels, filters, group, offset_group;
  size_t columns_bytes = 0;  // in front of the product's scratch
};

template <class T>
MatMul<T> product_of(const Params& p) {
  MatMul<T> call;
  call.m = static_cast<size_t>(p.filters / p.group);
  call.k = static_cast<size_t>(p.channels / p.group * p.deform.taps);
  call.n = static_cast<size_t>(p.deform.places);
  call.a = {nullptr, call.k, 1};
  call.b = {nullptr, call.n, 1};
  call.c_row = call.n;
  return call;
}

template <class T>
void convolve(const Params& p, Run& run) {
  const Deform& d = p.deform;
  T* columns = reinterpret_cast<T*>(run.scratch());
  const T *x = run.in(0).data<T>(), *offset = run.in(2).data<T>();
  const T* bias = run.has_in(3) ? run.in(3).data<T>() : nullptr;
  const T* mask = run.has_in(4) ? run.in(4).data<T>() : nullptr;
  int64_t per_offset = p.channels / p.offset_group;
  MatMul<T> call = product_of<T>(p);
  for (int64_t n = 0; n < p.batch && !run.cancelled(); ++n) {
    for (int64_t o = 0; o < p.offset_group; ++o) {
      int64_t at = n * p.offset_group + o;
      deform_columns(d, per_offset, x + at * per_offset * d.image, offset + at * d.taps * d.axes * d.places,
                     mask ? mask + at * d.taps * d.places : nullptr,
                     columns + o * per_offset * d.taps * d.places, run.parallel());
    }
    for (int64_t g = 0; g < p.group; ++g) {
      int64_t first = g * static_cast<int64_t>(call.m);
      call.a.data = run.in(1).data<T>() + first * static_cast<int64_t>(call.k);
      call.b.data = columns + g * static_cast<int64_t>(call.k) * d.places;
      call.row_bias = bias ? bias + first : nullptr;
      call.c = run.out(0).data<T>() + (n * p.filters + first) * d.places;
      matmul(call, select_matmul(call), run.scratch() + p.columns_bytes, run.parallel());
    }
  }
}

Status run(const Params& p, Run& run) {
  if (run.out(0).count() == 0) return {};
  if (run.out(0).dtype() == DType::kFloat64)
    convolve<double>(p, run);
  else
    convolve<float>(p, run);
  return {};
}

// Entry i of a list of `n` numbers in [low, 2^31); `absent` where the list is not given.
Result<int64_t> entry(const OpContext& c, std::string_view name, size_t i, size_t n, int64_t low,
                      int64_t absent) {
  auto list = c.attributes().get_ints(name);
  if (list.empty()) return absent;
  KL_REQUIRE(list.size() == n, kInvalidArgument, name, " has ", list.size(), " entries, expected ", n);
  KL_REQUIRE(list[i] >= low && list[i] < int64_t{1} << 31, kInvalidArgument, name, " has ", list[i]);
  return list[i];
}

Result<Params> params_of(const OpContext& c, Shape* out) {
  const Shape &x = c.shape(0), &w = c.shape(1), &offset = c.shape(2);
  int axes = x.rank() - 2;
  KL_REQUIRE(axes >= 1 && axes <= kMaxDeformAxes && w.rank() == x.rank() && offset.rank() == x.rank(),
             kInvalidShape, "X is ", x, ", W is ", w, ", offset is ", offset);
  Params p;
  p.batch = x[0], p.channels = x[1], p.filters = w[0];
  p.group = c.attributes().get_int("group", 1);
  p.offset_group = c.attributes().get_int("offset_group", 1);
  KL_REQUIRE(p.group >= 1 && p.offset_group >= 1 && x[1] % p.group == 0 && w[0] % p.group == 0 &&
                 x[1] / p.group == w[1] && x[1] % p.offset_group == 0,
             kInvalidShape, "X of shape ", x, " and W of shape ", w, " do not make ", p.group, " groups, or ",
             p.offset_group, " offset groups");
  auto n = static_cast<size_t>(axes);
  *out = {x[0], w[0]};
  p.deform.axes = axes;
  for (size_t i = 0; i < n; ++i) {
    DeformAxis& a = p.deform.axis[i];
    a.in = x[i + 2], a.kernel = w[i + 2];
    KL_ASSIGN(int64_t declared, entry(c, "kernel_shape", i, n, 1, a.kernel));
    KL_REQUIRE(declared == a.kernel && a.kernel >= 1, kInvalidShape, "kernel_shape has ", declared, ", W is ",
               w);
    KL_ASSIGN(a.stride, entry(c, "strides", i, n, 1, 1));
    KL_ASSIGN(a.dilation, entry(c, "dilations", i, n, 1, 1));
    KL_ASSIGN(a.pad, entry(c, "pads", i, 2 * n, 0, 0));
    KL_ASSIGN(int64_t end, entry(c, "pads", i + n, 2 * n, 0, 0));
    KL_ASSIGN(int64_t reach, checked_mul(a.kernel - 1, a.dilation));
    int64_t room = a.in + a.pad + end - reach - 1;
    KL_REQUIRE(room >= 0 && a.in < int64_t{1} << 31, kInvalidShape, "a kernel of ", a.kernel,
               " does not fit extent ", a.in);
    a.out = room / a.stride + 1;
    out->push_back(a.out);
    KL_ASSIGN(p.deform.places, checked_mul(p.deform.places, a.out));
    KL_ASSIGN(p.deform.taps, checked_mul(p.deform.taps, a.kernel));
    KL_ASSIGN(p.deform.image, checked_mul(p.deform.image, a.in));
  }
  auto per_tap = [&](int64_t each) -> Result<Shape> {
    KL_ASSIGN(int64_t rows, checked_mul(p.offset_group, p.deform.taps));
    KL_ASSIGN(rows, checked_mul(rows, each));
    Shape wanted = *out;
    wanted[1] = rows;
    return wanted;
  };
  KL_ASSIGN(Shape wanted, per_tap(axes));
  KL_REQUIRE(offset == wanted, kInvalidShape, "offset has shape ", offset, ", expected ", wanted);
  KL_REQUIRE(!c.has_input(3) || c.shape(3) == Shape{w[0]}, kInvalidShape, "B has shape ", c.shape(3));
  if (c.has_input(4)) {
    KL_ASSIGN(wanted, per_tap(1));
    KL_REQUIRE(c.shape(4) == wanted, kInvalidShape, "mask has shape ", c.shape(4), ", expected ", wanted);
  }
  return p;
}

Status infer(InferContext& c) {
  Shape out;
  KL_TRY(std::move(params_of(c, &out).status()));
  c.output(0, c.dtype(0), out);
  return {};
}

template <class T>
Status add_scratch(LowerContext& c, Params* p) {
  KL_ASSIGN(int64_t columns, checked_mul(p->channels, p->deform.taps));
  KL_ASSIGN(columns, checked_mul(columns, p->deform.places));
  KL_ASSIGN(columns, checked_mul(columns, int64_t{sizeof(T)}));
  KL_ASSIGN(p->columns_bytes, checked_narrow<size_t>(columns));
  p->columns_bytes = align_up(p->columns_bytes, kBufferAlignment);
  MatMul<T> call = product_of<T>(*p);
  KL_ASSIGN(size_t bytes, matmul_scratch_bytes(call, select_matmul(call), c.threads()));
  KL_ASSIGN(bytes, checked_add(bytes, p->columns_bytes));
  c.scratch(bytes);
  return {};
}

Status lower(LowerContext& c) {
  Shape out;
  KL_ASSIGN(Params p, params_of(c, &out));
  if (c.dtype(0) == DType::kFloat64)
    KL_TRY(add_scratch<double>(c, &p));
  else
    KL_TRY(add_scratch<float>(c, &p));
  add_float_step<run>(c, "conv/deform", c.dtype(0), p);
  return {};
}

}  // namespace

extern const OpDef deform_conv{
    .domain = kOnnx,
    .name = "DeformConv",
    .signature =
        "X:T W:T offset:T B:T? mask:T? -> Y:T | T=floats | dilations:is group:i=1 kernel_shape:is "
        "offset_group:i=1 pads:is strides:is",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
