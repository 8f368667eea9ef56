// Every matmul kernel that accepts a shape, for shapes of real networks.
#include <cstring>
#include <string>
#include <vector>

#include "bench/kernels/benches.h"
#include "bench/kernels/timing.h"
#include "kernels/matmul/matmul.h"

namespace kinglet::bench {

namespace {

struct Shape {
  const char* network;
  size_t m, n, k;
  bool weights_are_a;     // a pointwise convolution; otherwise B is the constant
  bool in_place = false;  // B transposed as it lies in the file
};

constexpr Shape kShapes[] = {
    {"ResNet-50 res2 1x1", 64, 3136, 256, true},
    {"ResNet-50 res3 1x1", 512, 784, 128, true},
    {"ResNet-50 res4 1x1", 256, 196, 1024, true},
    {"ResNet-50 res5 1x1", 2048, 49, 512, true},
    {"MobileNetV2 24>144", 144, 3136, 24, true},
    {"MobileNetV2 96>576", 576, 196, 96, true},
    {"MobileNetV2 320>1280", 1280, 49, 320, true},
    {"OCR det 16>32", 32, 25600, 16, true},
    {"OCR det 48>48", 48, 6400, 48, true},
    {"OCR det 192>192", 192, 1600, 192, true},
    {"OCR det 384>384", 384, 400, 384, true},
    {"OCR rec 480>480", 480, 240, 480, true},
    {"OCR rec SE 240>60", 60, 1, 240, true},
    {"OCR rec SE 60>240", 240, 1, 60, true},
    {"OCR rec 120>360", 40, 360, 120, false},
    {"OCR rec classes", 40, 6625, 120, false},
    {"ResNet-50 classes", 1, 1000, 2048, false},
    {"BERT projection", 128, 768, 768, false},
    {"BERT feed forward", 128, 3072, 768, false},
    {"two rows", 2, 1024, 512, false},
    {"four rows", 4, 1408, 512, false},
    {"eight rows", 8, 1408, 512, false},
    {"three rows", 3, 1024, 512, false},
    {"square 512", 512, 512, 512, false},
    {"MobileNetV2 classes", 1, 1000, 1280, false, true},
    {"ShuffleNet classes", 1, 1000, 544, false, true},
    {"AlexNet fc6", 1, 4096, 9216, false},
    {"one token", 1, 512, 512, false},
    {"one token", 1, 1408, 512, false},
    {"one token", 1, 512, 1408, false},
    {"one token", 1, 8000, 512, false},
    {"ShuffleNet 34>34", 34, 784, 34, true},
    {"ShuffleNet 68>68", 68, 196, 68, true},
    {"ShuffleNet 136>136", 136, 49, 136, true},
    {"MobileNetV2 16>96", 96, 12544, 16, true},
    {"MobileNetV2 144>24", 24, 3136, 144, true},
    {"OCR rec 240>240", 240, 960, 240, true},
    {"SqueezeNet 512>1000", 1000, 169, 512, true},
    {"MobileNetV2 160>960", 960, 49, 160, true},
    {"MobileNetV2 960>160", 160, 49, 960, true},
};

}  // namespace

void matmul(const char* filter) {
  Parallel pool;
  for (const Shape& shape : kShapes) {
    std::vector<float> a(shape.m * shape.k + 8, 0.5f), b(shape.n * shape.k, 0.25f), c(shape.m * shape.n);
    std::vector<float> packed(std::max(*matmul_packed_a_bytes<float>(shape.m, shape.k),
                                       *matmul_packed_b_bytes<float>(shape.k, shape.n)) /
                              4);
    MatMul<float> call{.m = shape.m, .n = shape.n, .k = shape.k};
    call.a = {a.data(), shape.k, 1};
    call.b = {b.data(), shape.n, 1};
    call.c = c.data();
    call.c_row = shape.n;
    if (shape.weights_are_a) {
      matmul_pack_a<float>(call.a, shape.m, shape.k, 1, packed.data());
      call.a = {packed.data(), 0, 0, true};
    } else if (shape.in_place) {
      packed = b;
      call.b = {packed.data(), 1, shape.k};
    } else {
      matmul_pack_b<float>(call.b, shape.k, shape.n, 1, packed.data());
      call.b = {packed.data(), 0, 0, true};
    }
    std::string text = std::string(shape.network) + " " + std::to_string(shape.m) + "x" +
                       std::to_string(shape.n) + "x" + std::to_string(shape.k);
    if (std::strstr(text.c_str(), filter) == nullptr) continue;
    for (size_t i = 0; i < static_cast<size_t>(MatMulKernel::kCount); ++i) {
      auto kernel = static_cast<MatMulKernel>(i);
      if (!matmul_accepts(call, kernel)) continue;
      std::vector<float> scratch(*matmul_scratch_bytes(call, kernel, 1) / 4);
      double operations =
          2.0 * static_cast<double>(shape.m) * static_cast<double>(shape.n) * static_cast<double>(shape.k);
      double bytes = 4.0 * static_cast<double>(a.size() + b.size() + c.size());
      std::string name = matmul_kernel_name(kernel);
      if (kernel == select_matmul(call)) name += " *";
      print(name.c_str(), text.c_str(),
            measure(operations, bytes, [&] { kinglet::matmul(call, kernel, scratch.data(), pool); }));
      if (packed.size() < kLargeWeights) continue;
      // As in a network: each run finds other weights, which come from memory.
      std::vector<std::vector<float>> copies(kColdWeights / packed.size() + 1, packed);
      size_t turn = 0;
      print((name + " cold").c_str(), text.c_str(), measure(operations, bytes, [&] {
              MatMul<float> other = call;
              (shape.weights_are_a ? other.a : other.b).data = copies[turn++ % copies.size()].data();
              kinglet::matmul(other, kernel, scratch.data(), pool);
            }));
    }
  }
}

}  // namespace kinglet::bench
