#include "ops/conv_geometry.h"

#include <algorithm>
#include <array>

namespace kinglet {

namespace {

// Larger extents, strides and pads are refused, and so are larger products of three extents: sums of a few of
// them fit into 32 bits, which is all that kernels have for them in wasm.
constexpr int64_t kLargest = int64_t{1} << 28;

struct Spatial {
  int dims = 0;
  std::array<int64_t, 3> in{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, begin{}, end{};
  // Extent of the dilated kernel.
  int64_t reach(size_t i) const { return (kernel[i] - 1) * dilation[i] + 1; }
};

// One value per spatial dimension, aligned to the last of three; `absent` where the attribute is not given.
Status read_list(const OpContext& c, const char* name, int dims, int64_t least, std::array<int64_t, 3>* out) {
  auto list = c.attributes().get_ints(name);
  if (list.empty()) return {};
  KL_REQUIRE(static_cast<int>(list.size()) == dims, kInvalidShape, name, " has ", list.size(), " values for ",
             dims, " spatial dimensions");
  for (int i = 0; i < dims; ++i) {
    int64_t v = list[static_cast<size_t>(i)];
    KL_REQUIRE(v >= least && v <= kLargest, kInvalidShape, name, " has the value ", v);
    (*out)[static_cast<size_t>(3 - dims + i)] = v;
  }
  return {};
}

Status check_extents(const char* name, const std::array<int64_t, 3>& extents) {
  int64_t volume = 1;
  bool fits = true;
  for (int64_t e : extents)
    fits = fits && !mul_overflows(volume, std::max<int64_t>(e, 1), &volume) && volume <= kLargest;
  KL_REQUIRE(fits, kLimitExceeded, name, " is too large: ", extents[0], " x ", extents[1], " x ", extents[2]);
  return {};
}

Result<Spatial> read_spatial(const OpContext& c, int weights = 1) {
  const Shape &x = c.shape(0), &w = c.shape(weights);
  KL_REQUIRE(x.rank() >= 3 && x.rank() <= 5, kUnsupportedFeature, "X has ", x.rank() - 2,
             " spatial dimensions, one to three are supported");
  KL_REQUIRE(w.rank() == x.rank(), kInvalidShape, "X is ", x, ", W is ", w);
  Spatial s;
  s.dims = x.rank() - 2;
  for (int i = 0; i < s.dims; ++i) {
    auto at = static_cast<size_t>(3 - s.dims + i);
    s.in[at] = x.at(i + 2);
    s.kernel[at] = w.at(i + 2);
    KL_REQUIRE(s.kernel[at] > 0, kInvalidShape, "W is ", w);
  }
  KL_TRY(check_extents("X", s.in));
  KL_TRY(check_extents("W", s.kernel));
  std::array<int64_t, 3> declared = s.kernel;
  KL_TRY(read_list(c, "kernel_shape", s.dims, 1, &declared));
  KL_REQUIRE(declared == s.kernel, kInvalidShape, "kernel_shape does not fit W ", w);
  KL_TRY(read_list(c, "strides", s.dims, 1, &s.stride));
  KL_TRY(read_list(c, "dilations", s.dims, 1, &s.dilation));
  auto pads = c.attributes().get_ints("pads");
  KL_REQUIRE(pads.empty() || static_cast<int>(pads.size()) == 2 * s.dims, kInvalidShape, "pads has ",
             pads.size(), " values");
  for (int i = 0; !pads.empty() && i < s.dims; ++i) {
    auto at = static_cast<size_t>(3 - s.dims + i);
    s.begin[at] = pads[static_cast<size_t>(i)];
    s.end[at] = pads[static_cast<size_t>(i + s.dims)];
    bool fits = std::min(s.begin[at], s.end[at]) >= 0 && std::max(s.begin[at], s.end[at]) <= kLargest;
    KL_REQUIRE(fits, kInvalidShape, "pads has a value out of range");
  }
  for (size_t i = 0; i < 3; ++i) {
    int64_t reach;
    KL_REQUIRE(!mul_overflows(s.kernel[i] - 1, s.dilation[i], &reach) && reach <= kLargest, kInvalidShape,
               "the dilated kernel is too large");
  }
  return s;
}

enum class AutoPad { kNotSet, kSameUpper, kSameLower, kValid };

Result<AutoPad> read_auto_pad(const OpContext& c) {
  std::string_view name = c.attributes().get_string("auto_pad", "NOTSET");
  if (name == "NOTSET" || name.empty()) return AutoPad::kNotSet;
  if (name == "SAME_UPPER") return AutoPad::kSameUpper;
  if (name == "SAME_LOWER") return AutoPad::kSameLower;
  KL_REQUIRE(name == "VALID", kInvalidGraph, "auto_pad is ", name);
  return AutoPad::kValid;
}

void split_padding(int64_t total, bool more_behind, int64_t* begin, int64_t* end) {
  total = std::max<int64_t>(total, 0);
  *begin = more_behind ? total / 2 : total - total / 2;
  *end = total - *begin;
}

void set_extents(const Spatial& s, ConvShape* shape) {
  for (size_t i = 0; i < 3; ++i) {
    shape->in[i] = static_cast<size_t>(s.in[i]);
    shape->kernel[i] = static_cast<size_t>(s.kernel[i]);
    shape->stride[i] = static_cast<size_t>(s.stride[i]);
    shape->dilation[i] = static_cast<size_t>(s.dilation[i]);
    shape->pad[i] = static_cast<size_t>(s.begin[i]);
  }
}

// `bias`: its input, or -1 for operators without one.
Status check_bias(const OpContext& c, int64_t channels, int bias = 2) {
  if (bias < 0 || !c.has_input(bias)) return {};
  KL_REQUIRE(c.shape(bias) == Shape{channels}, kInvalidShape, "B is ", c.shape(bias), ", expected [",
             channels, "]");
  return {};
}

}  // namespace

Result<ConvShape> conv_shape(const OpContext& c, int weights, int bias) {
  KL_ASSIGN(Spatial s, read_spatial(c, weights));
  KL_ASSIGN(AutoPad auto_pad, read_auto_pad(c));
  const Shape &x = c.shape(0), &w = c.shape(weights);
  int64_t groups = c.attributes().get_int("group", 1);
  KL_REQUIRE(groups > 0 && x[1] % groups == 0 && w[0] % groups == 0 && w[1] == x[1] / groups, kInvalidShape,
             "X ", x, " and W ", w, " do not fit with group ", groups);
  KL_TRY(check_bias(c, w[0], bias));
  ConvShape shape;
  shape.images = static_cast<size_t>(x[0]);
  shape.groups = static_cast<size_t>(groups);
  shape.in_channels = static_cast<size_t>(w[1]);
  shape.out_channels = static_cast<size_t>(w[0] / groups);
  std::array<int64_t, 3> out_extents{};
  for (size_t i = 0; i < 3; ++i) {
    int64_t out;
    if (auto_pad == AutoPad::kSameUpper || auto_pad == AutoPad::kSameLower) {
      out = ceil_div(s.in[i], s.stride[i]);
      split_padding((out - 1) * s.stride[i] + s.reach(i) - s.in[i], auto_pad == AutoPad::kSameUpper,
                    &s.begin[i], &s.end[i]);
    } else {
      if (auto_pad == AutoPad::kValid) s.begin[i] = s.end[i] = 0;
      int64_t room = s.in[i] + s.begin[i] + s.end[i] - s.reach(i);
      KL_REQUIRE(room >= 0, kInvalidShape, "X ", x, " with its pads is smaller than the kernel of W ", w);
      out = room / s.stride[i] + 1;
    }
    out_extents[i] = out;
    shape.out[i] = static_cast<size_t>(out);
  }
  KL_TRY(check_extents("the output", out_extents));
  set_extents(s, &shape);
  return shape;
}

Result<ConvShape> conv_transpose_shape(const OpContext& c) {
  KL_ASSIGN(Spatial s, read_spatial(c));
  KL_ASSIGN(AutoPad auto_pad, read_auto_pad(c));
  const Shape &x = c.shape(0), &w = c.shape(1);
  int64_t groups = c.attributes().get_int("group", 1), channels;
  KL_REQUIRE(groups > 0 && w[0] == x[1] && x[1] % groups == 0, kInvalidShape, "X ", x, " and W ", w,
             " do not fit with group ", groups);
  KL_REQUIRE(!mul_overflows(w[1], groups, &channels), kLimitExceeded, "too many channels");
  KL_TRY(check_bias(c, channels));
  ConvShape shape;
  shape.images = static_cast<size_t>(x[0]);
  shape.groups = static_cast<size_t>(groups);
  shape.in_channels = static_cast<size_t>(x[1] / groups);
  shape.out_channels = static_cast<size_t>(w[1]);
  std::array<int64_t, 3> extra{}, wanted{};
  KL_TRY(read_list(c, "output_padding", s.dims, 0, &extra));
  auto given = c.attributes().get_ints("output_shape");
  // Some exporters write batch and channels in front.
  if (static_cast<int>(given.size()) == s.dims + 2) given = given.subspan(2);
  KL_REQUIRE(given.empty() || static_cast<int>(given.size()) == s.dims, kInvalidShape, "output_shape has ",
             given.size(), " values");
  for (size_t i = 0; i < 3; ++i) {
    bool spatial = i >= static_cast<size_t>(3 - s.dims);
    int64_t full;
    KL_REQUIRE(s.in[i] == 0 || !mul_overflows(s.in[i] - 1, s.stride[i], &full), kLimitExceeded,
               "the output is too large");
    if (s.in[i] == 0) full = -s.stride[i];
    full += extra[i] + s.reach(i);
    bool same = auto_pad == AutoPad::kSameUpper || auto_pad == AutoPad::kSameLower;
    if (spatial && (!given.empty() || same)) {
      wanted[i] = given.empty() ? s.in[i] * s.stride[i] : given[i - static_cast<size_t>(3 - s.dims)];
      KL_REQUIRE(wanted[i] >= 0 && wanted[i] <= kLargest, kInvalidShape, "output_shape has the value ",
                 wanted[i]);
      split_padding(full - wanted[i], auto_pad == AutoPad::kSameUpper, &s.begin[i], &s.end[i]);
    } else {
      if (auto_pad == AutoPad::kValid) s.begin[i] = s.end[i] = 0;
      wanted[i] = full - s.begin[i] - s.end[i];
      KL_REQUIRE(wanted[i] >= 0, kInvalidShape, "the pads are larger than the output");
    }
    shape.out[i] = static_cast<size_t>(wanted[i]);
  }
  KL_TRY(check_extents("the output", wanted));
  set_extents(s, &shape);
  return shape;
}

Shape conv_output(const OpContext& c, const ConvShape& shape) {
  Shape out = {static_cast<int64_t>(shape.images), static_cast<int64_t>(shape.groups * shape.out_channels)};
  for (int i = 5 - c.rank(0); i < 3; ++i) out.push_back(static_cast<int64_t>(shape.out[i]));
  return out;
}

}  // namespace kinglet
