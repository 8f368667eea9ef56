#pragma once
// Convolutions and matrix products with constant weights, and the scaling of their channels.
#include <functional>
#include <optional>
#include <vector>

#include "graph/patch.h"
#include "passes/match.h"

namespace kinglet {

// y = scale * x + shift for each channel.
struct Affine {
  std::vector<double> scale, shift;
};

// Where the channels of a value are. `rank` is -1 when not known: then only constants that need no rank fit.
struct Channels {
  int64_t count = 0;
  int rank = -1;
  int axis = 1;  // negative: from the end
};

// A constant with one entry, or one for each channel, as a list of one entry for each channel.
std::optional<std::vector<double>> per_channel(const Graph& graph, ValueId constant,
                                               const Channels& channels);
// What `node` does to its input `x`: BatchNormalization at inference, and Mul, Div, Add, Sub with a constant.
std::optional<Affine> affine_of(const Graph& graph, const Node& node, ValueId x, const Channels& channels);

// Conv, ConvTranspose, FusedConv without activation and residual, Gemm, or MatMul, whose weights are
// constants of float32 or float64 and whose result nobody else reads.
struct Linear {
  const Node* node = nullptr;
  Channels channels;
  const Tensor* weights = nullptr;
  const Tensor* bias = nullptr;
  // False for MatMul.
  bool takes_bias = true;
};
std::optional<Linear> linear_producer(const Graph& graph, ValueId result);

// The node with its output channels scaled and shifted, as a new node of the patch. Nothing when it cannot be
// done.
Result<std::optional<ValueId>> add_scaled(const Linear& linear, const Affine& affine, const Node& name,
                                          Patch* patch);

// A float32 or float64 constant with every `run` consecutive elements multiplied by `factor(index of their
// first)`: in its own place where nobody else has its elements, so that the patch must be applied.
Result<Tensor> multiplied(const Graph& graph, ValueId constant, int64_t run,
                          const std::function<double(int64_t)>& factor);
// One dimension, of the type of `like`.
Result<Tensor> vector_like(const Tensor& like, const std::vector<double>& values);

}  // namespace kinglet
