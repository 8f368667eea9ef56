#include "kernels/norm/norm.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

int64_t channels_of(const Shape& shape) { return shape.rank() > 1 ? shape[1] : 1; }

Status infer(InferContext& c) {
  const Shape& shape = c.shape(0);
  KL_REQUIRE(shape.rank() >= 1, kInvalidShape, "input has no dimensions");
  for (int i = 1; i <= 4; ++i) {
    KL_REQUIRE(c.rank(i) == 1 && c.shape(i)[0] == channels_of(shape), kInvalidShape, "input ", i,
               " has shape ", c.shape(i), ", expected one element for each of ", channels_of(shape),
               " channels");
  }
  c.output(0, c.dtype(0), shape);
  if (c.attributes().get_int("training_mode") != 0) {
    c.output(1, c.dtype(3), c.shape(3));
    c.output(2, c.dtype(4), c.shape(4));
  }
  return {};
}

struct BatchNormStep {
  BatchNorm norm;
  bool training;
  double momentum;
};

Status run_step(const BatchNormStep& s, Run& run) {
  auto operand = [&](int i) { return Operand{run.in(i).dtype(), run.in(i).data()}; };
  Operand mean = operand(3), variance = operand(4);
  std::byte* scratch = run.scratch() + align_up(batch_norm_scratch(s.norm), 16);
  if (s.training) {
    double* statistics[] = {reinterpret_cast<double*>(scratch),
                            reinterpret_cast<double*>(scratch) + s.norm.channels};
    channel_statistics(s.norm, run.in(0).data(), statistics[0], statistics[1], run.parallel());
    for (int k = 0; k < 2; ++k) {
      for (int64_t i = 0; run.has_out(k + 1) && i < s.norm.channels; ++i) {
        double before;
        load_run(run.in(k + 3).dtype(), run.in(k + 3).data(), i, Compute::kF64, &before, 1);
        double after = before * s.momentum + statistics[k][i] * (1 - s.momentum);
        store_run(Compute::kF64, &after, run.out(k + 1).dtype(), run.out(k + 1).data(), i, 1);
      }
    }
    mean = {DType::kFloat64, reinterpret_cast<std::byte*>(statistics[0])};
    variance = {DType::kFloat64, reinterpret_cast<std::byte*>(statistics[1])};
  }
  run_batch_norm(s.norm, run.in(0).data(), operand(1), operand(2), mean, variance, run.out(0).data(),
                 run.scratch(), run.parallel());
  return {};
}

Status lower(LowerContext& c) {
  const Shape& shape = c.shape(0);
  BatchNormStep s;
  s.norm.dtype = c.dtype(0);
  s.norm.batch = shape[0];
  s.norm.channels = channels_of(shape);
  s.norm.inner = shape.count(std::min(2, shape.rank()));
  s.norm.epsilon = static_cast<double>(c.attributes().get_float("epsilon", 1e-5f));
  s.training = c.attributes().get_int("training_mode") != 0;
  s.momentum = static_cast<double>(c.attributes().get_float("momentum", 0.9f));
  c.scratch(align_up(batch_norm_scratch(s.norm), 16) +
            (s.training ? static_cast<size_t>(s.norm.channels) * 16 : 0));
  c.step<run_step>(s.training ? "norm/batch_training" : "norm/batch", s);
  c.in_place(0, 0);
  return {};
}

}  // namespace

extern const OpDef batch_norm{
    .domain = kOnnx,
    .name = "BatchNormalization",
    .signature =
        "X:T scale:T1 B:T1 input_mean:T2 input_var:T2 -> Y:T running_mean:T2? running_var:T2? | "
        "T=floats T1=floats T2=floats | epsilon:f=1e-05 momentum:f=0.9 training_mode:i=0",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
