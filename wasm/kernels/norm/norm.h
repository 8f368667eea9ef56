#pragma once
// Normalisations. All: y = (x - mean) / sqrt(variance + epsilon) * scale + bias, with the statistics taken
// over different elements; any float dtypes, computed in float32, in float64 for float64.
#include "base/checked.h"
#include "base/parallel.h"
#include "kernels/cast/convert.h"

namespace kinglet {

// Where numbers are. Null data: absent.
struct Operand {
  DType dtype = DType::kNone;
  const std::byte* data = nullptr;
};

// The tensor as rows of `length`, statistics over each row (LayerNormalization, RMSNormalization).
struct LayerNorm {
  DType dtype = DType::kNone;  // of x
  DType out = DType::kNone;    // of y
  int64_t rows = 0, length = 0;
  double epsilon = 0;
  bool center = true;  // false: mean is taken as 0
};
// scale, bias: `length` elements, or absent. mean, deviation: one element per row or null; the reciprocal of
// the standard deviation; of dtype `stash`. y may be x if their dtypes are the same.
void run_layer_norm(const LayerNorm& p, const std::byte* x, Operand scale, Operand bias, std::byte* y,
                    DType stash, std::byte* mean, std::byte* deviation, Parallel& parallel);

// The tensor as [batch, channels, inner], statistics over groups of `channels_per_group` neighbouring
// channels of one batch entry (InstanceNormalization, GroupNormalization). scale, bias: one element per
// channel. y may be x.
struct GroupNorm {
  DType dtype = DType::kNone;
  int64_t batch = 0, channels = 0, inner = 0, channels_per_group = 1;
  double epsilon = 0;
};
void run_group_norm(const GroupNorm& p, const std::byte* x, Operand scale, Operand bias, std::byte* y,
                    Parallel& parallel);

// The tensor as [batch, channels, inner], statistics given, one element per channel. y may be x.
struct BatchNorm {
  DType dtype = DType::kNone;
  int64_t batch = 0, channels = 0, inner = 0;
  double epsilon = 0;
};
// `scratch`: batch_norm_scratch bytes.
size_t batch_norm_scratch(const BatchNorm& p);
void run_batch_norm(const BatchNorm& p, const std::byte* x, Operand scale, Operand bias, Operand mean,
                    Operand variance, std::byte* y, std::byte* scratch, Parallel& parallel);
// The mean and (population) variance of each channel, of dtype float64.
void channel_statistics(const BatchNorm& p, const std::byte* x, double* mean, double* variance,
                        Parallel& parallel);

// y = x / (bias + alpha / size * s)^beta, s: the sum of squares of x over `size` neighbouring channels, of
// which (size - 1) / 2 come before. y must not be x.
struct LocalResponseNorm {
  DType dtype = DType::kNone;
  int64_t batch = 0, channels = 0, inner = 0, size = 1;
  double alpha = 0, beta = 0, bias = 0;
};
void run_local_response_norm(const LocalResponseNorm& p, const std::byte* x, std::byte* y,
                             Parallel& parallel);

}  // namespace kinglet
