#include <array>

#include "kernels/copy/copy.h"
#include "ops/converted.h"

namespace kinglet::ops {

namespace {

struct Axis {
  int64_t image, block, stride, dilation, pad, columns;
};

struct Params {
  int64_t planes;  // batch times channels
  std::vector<Axis> axes;
};

// Each input row is one element of the block at all positions; it is added to the image where it came from.
template <class T>
void add_columns(const Params& p, const T* in, T* out) {
  size_t rank = p.axes.size();
  int64_t image = 1, block = 1, columns = 1;
  for (const Axis& a : p.axes) image *= a.image, block *= a.block, columns *= a.columns;
  for (int64_t plane = 0; plane < p.planes; ++plane, out += image) {
    std::fill_n(out, image, T{0});
    for (int64_t b = 0; b < block; ++b) {
      for (int64_t column = 0; column < columns; ++column, ++in) {
        int64_t place = 0, step = 1, block_rest = b, column_rest = column;
        bool inside = true;
        for (size_t i = rank; i-- > 0;) {
          const Axis& a = p.axes[i];
          int64_t at = column_rest % a.columns * a.stride - a.pad + block_rest % a.block * a.dilation;
          inside &= at >= 0 && at < a.image;
          place += at * step;
          step *= a.image;
          block_rest /= a.block;
          column_rest /= a.columns;
        }
        if (inside) out[place] += *in;
      }
    }
  }
}

Status run(const Params& p, Run& run) {
  const Tensor &in = run.in(0), &out = run.out(0);
  if (out.dtype() == DType::kFloat64)
    add_columns(p, in.data<double>(), out.data<double>());
  else
    add_columns(p, in.data<float>(), out.data<float>());
  return {};
}

Status read(const OpContext& c, Params* p, bool* known) {
  const Tensor *image = c.constant(1), *block = c.constant(2);
  *known = image != nullptr && block != nullptr;
  if (!*known) return {};
  KL_ASSIGN(Shape images, image->to_ints());
  KL_ASSIGN(Shape blocks, block->to_ints());
  size_t rank = images.size();
  const Shape& in = c.shape(0);
  KL_REQUIRE(in.rank() == 3 && rank >= 1 && blocks.size() == rank && rank + 2 <= kMaxRank, kInvalidShape,
             "input ", in, ", image_shape ", images, " and block_shape ", blocks, " do not fit");
  auto entry = [&](std::string_view name, size_t i, int64_t absent) {
    auto list = c.attributes().get_ints(name);
    return i < list.size() ? list[i] : absent;
  };
  int64_t block_size = 1, columns = 1;
  for (size_t i = 0; i < rank; ++i) {
    Axis a{images[i], blocks[i], entry("strides", i, 1), entry("dilations", i, 1), entry("pads", i, 0), 0};
    int64_t end = entry("pads", i + rank, 0);
    for (int64_t v : {a.image, a.block, a.stride, a.dilation})
      KL_REQUIRE(v >= 1 && v < int64_t{1} << 31, kInvalidArgument, "axis ", i, " has ", v);
    for (int64_t v : {a.pad, end})
      KL_REQUIRE(v >= 0 && v < int64_t{1} << 31, kInvalidArgument, "pads has ", v);
    int64_t room = a.image + a.pad + end - ((a.block - 1) * a.dilation + 1);
    KL_REQUIRE(room >= 0, kInvalidShape, "a block of ", a.block, " does not fit extent ", a.image);
    a.columns = room / a.stride + 1;
    KL_ASSIGN(block_size, checked_mul(block_size, a.block));
    KL_ASSIGN(columns, checked_mul(columns, a.columns));
    p->axes.push_back(a);
  }
  KL_REQUIRE(in[1] % block_size == 0 && in[2] == columns, kInvalidShape, "input ", in,
             " does not fit blocks of ", block_size, " at ", columns, " places");
  p->planes = in[0] * (in[1] / block_size);
  return {};
}

Status infer(InferContext& c) {
  Params p;
  bool known = false;
  KL_TRY(read(c, &p, &known));
  if (!known) return c.later();
  Shape out{c.shape(0)[0], c.shape(0)[0] == 0 ? 0 : p.planes / c.shape(0)[0]};
  for (const Axis& a : p.axes) out.push_back(a.image);
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower(LowerContext& c) {
  Params p;
  bool known = false;
  KL_TRY(read(c, &p, &known));
  add_float_step<run>(c, "col2im", c.dtype(0), std::move(p));
  return {};
}

}  // namespace

extern const OpDef col2im{
    .domain = kOnnx,
    .name = "Col2Im",
    .signature =
        "input:T image_shape:int64 block_shape:int64 -> output:T | T=numeric,bool | dilations:is pads:is "
        "strides:is",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
