#include <cmath>

#include "kernels/fft/fft.h"
#include "ops/axes.h"
#include "ops/converted.h"

namespace kinglet::ops {

namespace {

// Lines of the signal: real or complex values `stride` elements apart.
struct Params {
  Fft fft;
  size_t used;        // values read of a line, the rest is zero
  size_t kept;        // values written
  size_t inner;       // lines side by side: stride of values within a line
  size_t components;  // 1 or 2
  bool inverse;
  // Lines within one outer step begin `hop` values after one another, and there are `frames` of them.
  size_t lines, hop, frames, outer;
  bool window;
};

size_t slot_values(const Fft& fft) { return fft.n + fft_scratch(fft); }

template <class T>
void transform_lines(const Params& p, const T* in, const T* window, T* out, Run& run) {
  auto* scratch = reinterpret_cast<Complex*>(run.scratch());
  double scale = p.inverse ? 1 / static_cast<double>(p.fft.n) : 1;
  parallel_slots(run.parallel(), p.outer * p.frames * p.inner, [&](size_t slot, size_t item) {
    Complex* line = scratch + slot * slot_values(p.fft);
    size_t lane = item % p.inner, frame = item / p.inner % p.frames, outer = item / p.inner / p.frames;
    const T* x = in + ((outer * p.lines + frame * p.hop) * p.inner + lane) * p.components;
    for (size_t i = 0; i < p.fft.n; ++i) {
      Complex value{0, 0};
      if (i < p.used) {
        value.re = static_cast<double>(x[i * p.inner * p.components]);
        if (p.components == 2) value.im = static_cast<double>(x[i * p.inner * 2 + 1]);
        if (window != nullptr) {
          value.re *= static_cast<double>(window[i]);
          value.im *= static_cast<double>(window[i]);
        }
      }
      line[i] = p.inverse ? Complex{value.re, -value.im} : value;
    }
    run_fft(p.fft, line, line + p.fft.n, run.parallel());
    T* y = out + ((outer * p.frames + frame) * p.kept * p.inner + lane) * 2;
    for (size_t i = 0; i < p.kept; ++i) {
      y[i * p.inner * 2] = static_cast<T>(scale * line[i].re);
      y[i * p.inner * 2 + 1] = static_cast<T>((p.inverse ? -scale : scale) * line[i].im);
    }
  });
}

Status run(const Params& p, Run& run) {
  const Tensor &in = run.in(0), &out = run.out(0);
  if (in.dtype() == DType::kFloat64)
    transform_lines(p, in.data<double>(), p.window ? run.in(2).data<double>() : nullptr, out.data<double>(),
                    run);
  else
    transform_lines(p, in.data<float>(), p.window ? run.in(2).data<float>() : nullptr, out.data<float>(),
                    run);
  return {};
}

Status lower_lines(LowerContext& c, const char* kernel, Params p) {
  auto threads = static_cast<size_t>(c.threads());
  KL_ASSIGN(size_t bytes, checked_mul(slot_values(p.fft) * sizeof(Complex), threads));
  c.scratch(bytes);
  add_float_step<run>(c, kernel, c.dtype(0), std::move(p));
  return {};
}

// One integer; false when it is not known yet.
Result<bool> read_int(const OpContext& c, int i, int64_t* out) {
  if (!c.has_input(i)) return true;
  KL_REQUIRE(c.shape(i).count() == 1, kInvalidShape, "input ", i, " has shape ", c.shape(i),
             ", not one element");
  if (c.constant(i) == nullptr) return false;
  KL_ASSIGN(Shape value, c.constant(i)->to_ints());
  *out = value[0];
  return true;
}

// Axis and length of the transform; false when they are not known yet.
Result<bool> dft_geometry(const OpContext& c, int* axis, int64_t* length) {
  const Shape& in = c.shape(0);
  KL_REQUIRE(in.rank() >= 2 && (in.back() == 1 || in.back() == 2), kInvalidShape, "input ", in,
             " needs a last dimension of 1 (real) or 2 (complex) and one before it");
  int64_t wanted = -2;
  KL_ASSIGN(bool known, read_int(c, 2, &wanted));
  if (!known) return false;
  KL_ASSIGN(*axis, normalize_axis(wanted, in.rank()));
  KL_REQUIRE(*axis != in.rank() - 1, kInvalidArgument, "axis ", wanted,
             " is that of real and imaginary parts");
  *length = in.at(*axis);
  KL_ASSIGN(known, read_int(c, 1, length));
  if (!known) return false;
  KL_REQUIRE(*length >= 1 && *length <= kMaxFftLength, kInvalidArgument, "dft_length is ", *length);
  return true;
}

Status infer_dft(InferContext& c) {
  int axis = 0;
  int64_t length = 0;
  bool onesided = c.attributes().get_int("onesided") != 0;
  KL_REQUIRE(!onesided || c.attributes().get_int("inverse") == 0, kInvalidArgument,
             "onesided and inverse are both set");
  KL_ASSIGN(bool known, dft_geometry(c, &axis, &length));
  if (!known) return c.later();
  Shape out = c.shape(0);
  out[static_cast<size_t>(axis)] = onesided ? length / 2 + 1 : length;
  out[out.size() - 1] = 2;
  c.output(0, c.dtype(0), out);
  return {};
}

Status lower_dft(LowerContext& c) {
  int axis = 0;
  int64_t length = 0;
  KL_ASSIGN(bool known, dft_geometry(c, &axis, &length));
  KL_REQUIRE(known, kInternal, "lowered before its shape is known");
  const Shape& in = c.shape(0);
  Params p{};
  KL_ASSIGN(p.fft, make_fft(length));
  p.used = static_cast<size_t>(std::min(length, in.at(axis)));
  p.kept = static_cast<size_t>(c.out_shape(0).at(axis));
  p.inner = static_cast<size_t>(in.count(axis + 1, in.rank() - 1));
  p.components = static_cast<size_t>(in.back());
  p.inverse = c.attributes().get_int("inverse") != 0;
  p.lines = static_cast<size_t>(in.at(axis));
  p.frames = 1;
  p.outer = static_cast<size_t>(in.count(0, axis));
  return lower_lines(c, "fft/dft", std::move(p));
}

// Length and distance of the frames, and how many there are; false when they are not known yet.
Result<bool> stft_geometry(const OpContext& c, int64_t* length, int64_t* step, int64_t* frames) {
  const Shape& in = c.shape(0);
  KL_REQUIRE(in.rank() == 2 || (in.rank() == 3 && (in[2] == 1 || in[2] == 2)), kInvalidShape, "signal ", in,
             " must be [batch, length, 1 or 2]");
  bool window = c.has_input(2);
  KL_REQUIRE(!window || c.rank(2) == 1, kInvalidShape, "window has shape ", c.shape(2));
  *length = window ? c.shape(2)[0] : in[1];
  KL_ASSIGN(bool known, read_int(c, 3, length));
  if (!known) return false;
  KL_ASSIGN(known, read_int(c, 1, step));
  if (!known) return false;
  KL_REQUIRE(*step >= 1, kInvalidArgument, "frame_step is ", *step);
  KL_REQUIRE(*length >= 1 && *length <= in[1], kInvalidArgument, "frame_length is ", *length,
             " for a signal of length ", in[1]);
  KL_REQUIRE(!window || c.shape(2)[0] == *length, kInvalidShape, "the window has ", c.shape(2)[0],
             " values, a frame has ", *length);
  *frames = (in[1] - *length) / *step + 1;
  return true;
}

Status infer_stft(InferContext& c) {
  int64_t length = 0, step = 0, frames = 0;
  KL_ASSIGN(bool known, stft_geometry(c, &length, &step, &frames));
  if (!known) return c.later();
  bool onesided = c.attributes().get_int("onesided", 1) != 0;
  c.output(0, c.dtype(0), {c.shape(0)[0], frames, onesided ? length / 2 + 1 : length, 2});
  return {};
}

Status lower_stft(LowerContext& c) {
  int64_t length = 0, step = 0, frames = 0;
  KL_ASSIGN(bool known, stft_geometry(c, &length, &step, &frames));
  KL_REQUIRE(known, kInternal, "lowered before its shape is known");
  const Shape& in = c.shape(0);
  Params p{};
  KL_ASSIGN(p.fft, make_fft(length));
  p.used = static_cast<size_t>(length);
  p.kept = static_cast<size_t>(c.out_shape(0)[2]);
  p.inner = 1;
  p.components = in.rank() == 3 ? static_cast<size_t>(in[2]) : 1;
  p.lines = static_cast<size_t>(in[1]);
  // With one frame its distance from the next does not matter, and may be any number.
  p.hop = frames > 1 ? static_cast<size_t>(step) : 0;
  p.frames = static_cast<size_t>(frames);
  p.outer = static_cast<size_t>(in[0]);
  p.window = c.has_input(2);
  return lower_lines(c, "fft/stft", std::move(p));
}

constexpr OpDef kDft[] = {
    {kOnnx, "DFT",
     "input:T dft_length:int32,int64? axis:int64? -> output:T | T=floats | inverse:i=0 onesided:i=0",
     infer_dft, lower_dft},
    {kOnnx, "STFT",
     "signal:T frame_step:I window:T? frame_length:I? -> output:T | T=floats I=int32,int64 | onesided:i=1",
     infer_stft, lower_stft},
};

}  // namespace

std::span<const OpDef> dft() { return kDft; }

}  // namespace kinglet::ops
