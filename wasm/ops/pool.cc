#include "ops/pool.h"

#include "ops/converted.h"

namespace kinglet {

namespace {

struct Params {
  kernels::Pool pool;
  kernels::PoolFn fn;
};

Status run(const Params& p, Run& run) {
  size_t bytes = kernels::pool_scratch_bytes(p.pool, run.in(0).dtype(), run.parallel().threads());
  KL_REQUIRE(bytes != 0, kLimitExceeded, "padded rows are too long");
  KL_ASSIGN(auto scratch, Buffer::allocate_uninitialized(bytes));
  p.fn(p.pool, run.in(0).data(), run.out(0).data(), scratch->data(), run.parallel());
  return {};
}

// A list with one positive entry per axis, or all 1.
Result<Shape> per_axis(const OpContext& c, std::string_view name, int axes) {
  std::span<const int64_t> list = c.attributes().get_ints(name);
  if (list.empty()) return Shape::filled(axes, 1);
  KL_REQUIRE(list.size() == static_cast<size_t>(axes), kInvalidShape, name, " has ", list.size(),
             " entries for ", axes, " axes");
  for (int64_t v : list) KL_REQUIRE(v >= 1 && v < int64_t{1} << 31, kInvalidArgument, name, " has ", v);
  return Shape(list);
}

}  // namespace

Result<kernels::Pool> pool_of(const OpContext& c, kernels::PoolKind kind) {
  const Shape& in = c.shape(0);
  KL_REQUIRE(in.rank() >= 3, kInvalidShape, "input ", in, " needs at least three dimensions");
  int axes = in.rank() - 2;
  KL_REQUIRE(c.attributes().get_ints("kernel_shape").size() == static_cast<size_t>(axes), kInvalidShape,
             "kernel_shape ", c.attributes().get_ints("kernel_shape"), " does not fit input ", in);
  KL_ASSIGN(Shape kernel, per_axis(c, "kernel_shape", axes));
  KL_ASSIGN(Shape strides, per_axis(c, "strides", axes));
  KL_ASSIGN(Shape dilations, per_axis(c, "dilations", axes));
  std::span<const int64_t> pads = c.attributes().get_ints("pads");
  KL_REQUIRE(pads.empty() || pads.size() == static_cast<size_t>(2 * axes), kInvalidShape, "pads has ",
             pads.size(), " entries for ", axes, " axes");
  std::string_view auto_pad = c.attributes().get_string("auto_pad", "NOTSET");
  bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  KL_REQUIRE(same || auto_pad == "NOTSET" || auto_pad == "VALID", kInvalidGraph, "auto_pad is ", auto_pad);
  bool ceil_mode = c.attributes().get_int("ceil_mode") != 0;

  kernels::Pool pool{.kind = kind, .planes = in[0] * in[1], .axes = {}};
  for (int i = 0; i < axes; ++i) {
    auto k = static_cast<size_t>(i);
    kernels::PoolAxis a{in.at(i + 2), 0, kernel[k], strides[k], dilations[k], 0, 0};
    KL_REQUIRE(a.in >= 1, kInvalidShape, "input ", in, " has nothing on axis ", i + 2);
    if (same) {
      a.out = ceil_div(a.in, a.stride);
      int64_t total = std::max<int64_t>((a.out - 1) * a.stride + a.reach() - a.in, 0);
      a.pad_begin = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      a.pad_end = total - a.pad_begin;
    } else {
      if (auto_pad == "NOTSET" && !pads.empty()) {
        a.pad_begin = pads[k];
        a.pad_end = pads[k + static_cast<size_t>(axes)];
        for (int64_t p : {a.pad_begin, a.pad_end})
          KL_REQUIRE(p >= 0 && p < int64_t{1} << 31, kInvalidArgument, "pads has ", p);
      }
      int64_t room = a.in + a.pad_begin + a.pad_end - a.reach();
      KL_REQUIRE(room >= 0 || (ceil_mode && room > -a.stride), kInvalidShape, "a window of ", a.reach(),
                 " does not fit input ", in, " padded by ", a.pad_begin, " and ", a.pad_end);
      a.out = (ceil_mode ? ceil_div(room, a.stride) : room / a.stride) + 1;
      // A window that would begin in the padding behind the input is left out.
      if (ceil_mode && a.out > 1 && (a.out - 1) * a.stride >= a.in + a.pad_begin) --a.out;
    }
    pool.axes.push_back(a);
  }
  return pool;
}

Shape pool_shape(const OpContext& c, const kernels::Pool& pool) {
  Shape out{c.shape(0)[0], c.shape(0)[1]};
  for (const kernels::PoolAxis& a : pool.axes) out.push_back(a.out);
  return out;
}

Status add_pool_step(LowerContext& c, kernels::Pool pool) {
  const auto* variant = kernels::find_pool(pool.kind, c.dtype(0));
  if (variant == nullptr) variant = kernels::find_pool(pool.kind, DType::kFloat32);
  Params params{std::move(pool), variant->run};
  if (variant->dtype == c.dtype(0))
    c.step<run>(variant->name, std::move(params));
  else
    add_converted_step<run>(c, variant->name, c.dtype(0), DType::kFloat32, std::move(params));
  return {};
}

}  // namespace kinglet
