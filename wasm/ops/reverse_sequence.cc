#include "ops/boxes.h"

namespace kinglet::ops {

namespace {

struct Params {
  int batch_axis, time_axis;  // 0 and 1, either way round
};

Status run(const Params& p, Run& run) {
  const Tensor &in = run.in(0), &lengths = run.in(1), &out = run.out(0);
  int bytes = element_bytes(out.dtype());
  Shape strides = strides_of(in.shape());
  int64_t extent = in.shape().at(p.time_axis), step = strides.at(p.time_axis), inner = in.shape().count(2);
  for (int64_t b = 0; b < lengths.count(); ++b) {
    int64_t length = lengths.data<int64_t>()[b], at = b * strides.at(p.batch_axis);
    KL_REQUIRE(length >= 0 && length <= extent, kIndexOutOfRange, "sequence_lens[", b, "] is ", length,
               " for a time axis of ", extent);
    kernels::Box turned, rest;
    turned.add(length, -step, step);
    turned.add(inner, 1, 1);
    turned.source_offset = at + (length - 1) * step;
    turned.target_offset = at;
    rest.add(extent - length, step, step);
    rest.add(inner, 1, 1);
    rest.source_offset = rest.target_offset = at + length * step;
    kernels::copy_box(turned, bytes, in.data(), out.data(), run.parallel());
    kernels::copy_box(rest, bytes, in.data(), out.data(), run.parallel());
  }
  return {};
}

Status infer(InferContext& c) {
  const Shape& in = c.shape(0);
  int64_t batch = c.attributes().get_int("batch_axis", 1), time = c.attributes().get_int("time_axis", 0);
  KL_REQUIRE(in.rank() >= 2, kInvalidShape, "input ", in, " needs at least two dimensions");
  KL_REQUIRE((batch == 0 && time == 1) || (batch == 1 && time == 0), kInvalidArgument, "batch_axis is ",
             batch, ", time_axis is ", time);
  KL_REQUIRE(c.shape(1) == Shape{in.at(static_cast<int>(batch))}, kInvalidShape, "sequence_lens has shape ",
             c.shape(1), " for input ", in);
  c.output(0, c.dtype(0), in);
  return {};
}

Status lower(LowerContext& c) {
  add_move_step<run>(c, "copy/reverse_sequence", c.dtype(0),
                     Params{static_cast<int>(c.attributes().get_int("batch_axis", 1)),
                            static_cast<int>(c.attributes().get_int("time_axis", 0))});
  return {};
}

}  // namespace

extern const OpDef reverse_sequence{
    .domain = kOnnx,
    .name = "ReverseSequence",
    .signature = "input:T sequence_lens:int64 -> Y:T | T=all | batch_axis:i=1 time_axis:i=0",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
