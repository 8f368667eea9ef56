// The attention kernel beside what it replaces: product, softmax, product with the scores in memory.
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "bench/kernels/benches.h"
#include "bench/kernels/timing.h"
#include "kernels/attention/attention.h"
#include "kernels/matmul/matmul.h"
#include "kernels/softmax/softmax.h"

namespace kinglet::bench {

namespace {

struct Shape {
  const char* network;
  size_t heads, kv_heads, queries, keys, size;
};

constexpr Shape kShapes[] = {
    {"BERT base", 12, 12, 128, 128, 64},
    {"BERT base 512", 12, 12, 512, 512, 64},
    {"ViT", 12, 12, 197, 197, 64},
    {"Whisper encoder", 6, 6, 1500, 1500, 64},
    {"U-Net 32x32", 8, 8, 1024, 1024, 40},
    {"prompt 2048", 9, 3, 2048, 2048, 64},
    {"decode at 512", 9, 3, 1, 512, 64},
    {"decode at 2048", 9, 3, 1, 2048, 64},
    {"decode, heads alone", 12, 12, 1, 512, 64},
};

class Case {
 public:
  explicit Case(const Shape& s)
      : s_(s),
        q_(s.heads * s.queries * s.size, 0.5f),
        k_(s.kv_heads * s.keys * s.size, 0.25f),
        v_(s.kv_heads * s.keys * s.size, 0.125f),
        y_(q_.size()),
        scores_(s.heads * s.queries * s.keys) {
    call_.batch = 1;
    call_.heads = s.heads, call_.kv_heads = s.kv_heads, call_.queries = s.queries, call_.keys = s.keys;
    call_.head_size = call_.value_size = s.size;
    call_.q = q_.data(), call_.k = k_.data(), call_.v = v_.data(), call_.y = y_.data();
    call_.q_strides = call_.y_strides = {0, s.queries * s.size, s.size};
    call_.k_strides = call_.v_strides = {0, s.keys * s.size, s.size};
    call_.scale = 1 / std::sqrt(static_cast<float>(s.size));
    scratch_.resize(*attention_scratch_bytes(call_, 1));
    for (size_t h = 0; h < s.heads; ++h) {
      size_t kv = h / (s.heads / s.kv_heads) * s.keys * s.size;
      first_items_.push_back({h * s.queries * s.size, kv, h * s.queries * s.keys, 0});
      second_items_.push_back({h * s.queries * s.keys, kv, h * s.queries * s.size, 0});
    }
    first_ = {.m = s.queries, .n = s.keys, .k = s.size};
    first_.a = {q_.data(), s.size, 1};
    first_.b = {k_.data(), 1, s.size};
    first_.c = scores_.data();
    first_.c_row = s.keys;
    first_.items = first_items_;
    first_.alpha = call_.scale;
    second_ = {.m = s.queries, .n = s.size, .k = s.keys};
    second_.a = {scores_.data(), s.keys, 1};
    second_.b = {v_.data(), s.size, 1};
    second_.c = y_.data();
    second_.c_row = s.size;
    second_.items = second_items_;
    auto need = [&](const MatMul<float>& m) { return *matmul_scratch_bytes(m, select_matmul(m), 1); };
    spelled_scratch_.resize(std::max(need(first_), need(second_)));
  }

  void fused() { attention(call_, scratch_.data(), pool_); }
  void spelled() {
    matmul(first_, select_matmul(first_), spelled_scratch_.data(), pool_);
    auto rows = static_cast<int64_t>(s_.heads * s_.queries), keys = static_cast<int64_t>(s_.keys);
    auto* bytes = reinterpret_cast<std::byte*>(scores_.data());
    run_softmax({DType::kFloat32, rows, keys, 1, false}, bytes, bytes, pool_);
    matmul(second_, select_matmul(second_), spelled_scratch_.data(), pool_);
  }

 private:
  Shape s_;
  std::vector<float> q_, k_, v_, y_, scores_;
  std::vector<std::byte> scratch_, spelled_scratch_;
  std::vector<MatMulItem> first_items_, second_items_;
  Attention<float> call_;
  MatMul<float> first_, second_;
  Parallel pool_;
};

}  // namespace

void attention(const char* filter) {
  for (const Shape& s : kShapes) {
    std::string text = std::string(s.network) + " " + std::to_string(s.heads) + "x" +
                       std::to_string(s.queries) + "x" + std::to_string(s.keys) + "x" +
                       std::to_string(s.size);
    if (std::strstr(text.c_str(), filter) == nullptr) continue;
    Case one(s);
    double bytes = 4.0 * static_cast<double>(2 * (s.heads * s.queries + s.kv_heads * s.keys) * s.size);
    double operations = 4.0 * static_cast<double>(s.heads * s.queries * s.keys * s.size);
    print("attention", text.c_str(), measure(operations, bytes, [&] { one.fused(); }));
    print("spelled out", text.c_str(), measure(operations, bytes, [&] { one.spelled(); }));
  }
}

}  // namespace kinglet::bench
