#pragma once
// Elementwise functions that matmul, conv and rnn kernels apply to a result while it is in the cache.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kinglet {

struct Activation {
  enum Kind : uint8_t {
#define ACTIVATION(name, formula) k##name,
#include "kernels/matmul/activation.inc"
#undef ACTIVATION
  };
  Kind kind = kNone;
  // As in the ONNX operator; Clip: alpha is the lower bound, beta the upper one.
  float alpha = 0, beta = 0;
  // What follows: scale * f(x) + shift.
  float scale = 1, shift = 0;
};

// The number of kinds.
inline constexpr int kActivationCount = 0
#define ACTIVATION(name, formula) +1
#include "kernels/matmul/activation.inc"
#undef ACTIVATION
    ;

std::string_view activation_name(Activation::Kind kind);
// Fails (false) for a name that is not in the list; case matters as in ONNX's FusedConv, not for RNN's.
bool activation_from_name(std::string_view name, bool ignore_case, Activation::Kind* kind);
// ONNX's defaults of alpha and beta for the kind, as RNN operators and FusedConv use them.
Activation default_activation(Activation::Kind kind);

// In place over x[0, n).
void activate(const Activation& activation, float* x, size_t n);

// True when the activation is min(max(x, lo), hi), which every tile applies itself.
bool is_clamp(const Activation& activation, float* lo, float* hi);

}  // namespace kinglet
