// Products of 8-bit matrices beside the same in float32, and products with 4-bit weights, for shapes of real
// networks. Operations of all kinds count alike, so that the columns compare.
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "bench/kernels/benches.h"
#include "bench/kernels/timing.h"
#include "kernels/quant/nbits.h"
#include "kernels/quant/product.h"

namespace kinglet::bench {

namespace {

struct Shape {
  const char* network;
  size_t m, n, k;
  bool weights_are_a;  // a pointwise convolution; otherwise B is the constant
};

constexpr Shape kShapes[] = {
    {"ResNet-50 res2 1x1", 64, 3136, 256, true},
    {"ResNet-50 res2 1x1", 256, 3136, 64, true},
    {"ResNet-50 res2 3x3", 64, 3136, 576, true},
    {"ResNet-50 res3 1x1", 512, 784, 128, true},
    {"ResNet-50 res4 1x1", 256, 196, 1024, true},
    {"ResNet-50 res4 3x3", 256, 196, 2304, true},
    {"ResNet-50 res5 1x1", 2048, 49, 512, true},
    {"MobileNetV2 96>576", 576, 196, 96, true},
    {"ResNet-50 classes", 1, 1000, 2048, false},
    {"BERT projection", 128, 768, 768, false},
    {"BERT feed forward", 128, 3072, 768, false},
    {"BERT feed back", 128, 768, 3072, false},
    {"BERT one token", 1, 3072, 768, false},
    {"one token", 1, 256, 512, false},
    {"one token", 1, 1408, 512, false},
    {"one token", 1, 512, 1408, false},
    {"few rows", 4, 1408, 512, false},
    {"few rows", 8, 1408, 512, false},
    {"few rows", 12, 1408, 512, false},
    {"few rows", 64, 1408, 512, false},
};

double operations(const Shape& s) {
  return 2.0 * static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k);
}

// Operands and result, each once, of `a`, `b` and `c` bytes an element.
double bytes(const Shape& s, double a, double b, double c) {
  return a * static_cast<double>(s.m * s.k) + b * static_cast<double>(s.n * s.k) +
         c * static_cast<double>(s.m * s.n);
}

// Bits of all kinds: processors are up to a tenth faster where all elements are the same.
template <class T>
void fill(std::vector<T>* values) {
  uint32_t state = 1;
  for (T& value : *values) {
    state = state * 1664525 + 1013904223;
    if constexpr (std::is_same_v<T, float>) {
      value = static_cast<float>(state) * 0x1p-31f - 1;
    } else {
      value = static_cast<T>(state >> 24);
    }
  }
}

Speed float_product(const Shape& s, Parallel& pool) {
  std::vector<float> a(s.m * s.k + 8), b(s.n * s.k), c(s.m * s.n);
  fill(&a), fill(&b);
  std::vector<float> packed(
      std::max(*matmul_packed_a_bytes<float>(s.m, s.k), *matmul_packed_b_bytes<float>(s.k, s.n)) / 4);
  MatMul<float> call{.m = s.m, .n = s.n, .k = s.k, .a = {a.data(), s.k, 1}, .b = {b.data(), s.n, 1}};
  call.c = c.data();
  call.c_row = s.n;
  if (s.weights_are_a) {
    matmul_pack_a<float>(call.a, s.m, s.k, 1, packed.data());
    call.a = {packed.data(), 0, 0, true};
  } else {
    matmul_pack_b<float>(call.b, s.k, s.n, 1, packed.data());
    call.b = {packed.data(), 0, 0, true};
  }
  MatMulKernel kernel = select_matmul(call);
  std::vector<float> scratch(*matmul_scratch_bytes(call, kernel, 1) / 4);
  return measure(operations(s), bytes(s, 4, 4, 4),
                 [&] { kinglet::matmul(call, kernel, scratch.data(), pool); });
}

Speed byte_product(const Shape& s, QuantKernel kernel, Parallel& pool) {
  std::vector<uint8_t> a(s.m * s.k), b(s.n * s.k), c(s.m * s.n);
  fill(&a), fill(&b);
  std::vector<uint8_t> packed(
      std::max(*quant_packed_a_bytes(s.m, s.k, kernel), *quant_packed_b_bytes(s.k, s.n, kernel)));
  std::vector<float> scales(std::max(s.m, s.n), 1e-4f);
  int32_t zero = 128;
  QuantMatMul call{.m = s.m, .n = s.n, .k = s.k, .a = {a.data(), s.k}, .b = {b.data(), s.n}};
  (s.weights_are_a ? call.a : call.b).is_signed = true;
  (s.weights_are_a ? call.b_zero : call.a_zero) = &zero;
  (s.weights_are_a ? call.row_scale : call.column_scale) = scales.data();
  call.result = QuantResult::kUInt8;
  call.c_zero = 7;
  call.c = c.data();
  call.c_row = s.n;
  if (s.weights_are_a) {
    quant_pack_a(call.a, s.m, s.k, kernel, packed.data());
    call.a = {packed.data(), 0, 1, true, true};
  } else {
    quant_pack_b(call.b, s.k, s.n, kernel, packed.data());
    call.b = {packed.data(), 0, 1, true, true};
  }
  std::vector<uint8_t> scratch(*quant_scratch_bytes(call, kernel, 1));
  return measure(
      operations(s), bytes(s, 1, 1, 1), [&] { quant_matmul(call, kernel, scratch.data(), pool); },
      Peak::kBytes);
}

enum class Rows { kFloat, kInteger, kRough };

Speed nbits_product(const Shape& s, Parallel& pool, Rows rows, bool cold = false, size_t bits = 4) {
  NBits w;
  w.bits = bits;
  w.n = s.n, w.k = s.k, w.rough = rows == Rows::kRough;
  std::vector<uint8_t> q(*nbits_packed_bytes(w));
  std::vector<float> scales(w.n * w.blocks(), 0.01f), a(s.m * s.k), c(s.m * s.n);
  fill(&q), fill(&a);
  w.q = q.data(), w.scales = scales.data(), w.packed = true;
  std::vector<float> scratch(*nbits_rows_scratch(w, s.m));
  // As in a network: each run finds other weights, which come from memory.
  std::vector<std::vector<uint8_t>> others(cold ? 4 * kColdWeights / q.size() + 1 : 1, q);
  size_t turn = 0;
  if (rows != Rows::kFloat)
    return measure(operations(s), bytes(s, 4, static_cast<double>(w.bits) / 8 + 0.125, 4), [&] {
      w.q = others[turn++ % others.size()].data();
      nbits_rows(w, a.data(), s.m, nullptr, c.data(), scratch.data(), pool);
    });
  MatMul<float> call{.m = s.m, .n = s.n, .k = s.k, .a = {a.data(), s.k, 1}};
  call.pack = nbits_pack;
  call.pack_context = &w;
  call.c = c.data();
  call.c_row = s.n;
  MatMulKernel kernel = select_matmul(call);
  scratch.resize(*matmul_scratch_bytes(call, kernel, 1) / 4);
  return measure(operations(s), bytes(s, 4, static_cast<double>(w.bits) / 8 + 0.125, 4),
                 [&] { kinglet::matmul(call, kernel, scratch.data(), pool); });
}

}  // namespace

void quant(const char* filter) {
  Parallel pool;
  for (const Shape& shape : kShapes) {
    std::string text = std::string(shape.network) + " " + std::to_string(shape.m) + "x" +
                       std::to_string(shape.n) + "x" + std::to_string(shape.k);
    if (std::strstr(text.c_str(), filter) == nullptr) continue;
    print("float32", text.c_str(), float_product(shape, pool));
    for (size_t i = 0; i < static_cast<size_t>(QuantKernel::kCount); ++i) {
      auto kernel = static_cast<QuantKernel>(i);
      if (quant_accepts(kernel))
        print(quant_kernel_name(kernel), text.c_str(), byte_product(shape, kernel, pool));
    }
    if (shape.weights_are_a) continue;
    print("4-bit weights", text.c_str(), nbits_product(shape, pool, Rows::kFloat));
    if (shape.m > 64) continue;
    print("4-bit, A in integers", text.c_str(), nbits_product(shape, pool, Rows::kInteger));
    print("4-bit, A of 8 bits", text.c_str(), nbits_product(shape, pool, Rows::kRough));
    print("8-bit, A in integers", text.c_str(), nbits_product(shape, pool, Rows::kInteger, false, 8));
    print("8-bit weights", text.c_str(), nbits_product(shape, pool, Rows::kFloat, false, 8));
    print("4-bit, integers, cold", text.c_str(), nbits_product(shape, pool, Rows::kInteger, true));
    print("4-bit, 8 bits, cold", text.c_str(), nbits_product(shape, pool, Rows::kRough, true));
  }
}

}  // namespace kinglet::bench
