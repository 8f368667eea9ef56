// Signal processing, losses and optimizers where ONNX's test data and onnxruntime do not reach.
#include <cmath>

#include "support/evaluate_op.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

void check_near(const std::vector<double>& got, const std::vector<double>& wanted, double tolerance) {
  REQUIRE(got.size() == wanted.size());
  for (size_t i = 0; i < got.size(); ++i)
    CHECK_MESSAGE(std::fabs(got[i] - wanted[i]) <= tolerance, i, ": ", got[i], ", expected ", wanted[i]);
}

Code code_of(const std::string& op, const std::vector<Tensor>& inputs, const Attributes& a = {}) {
  std::vector<Tensor> out;
  Status status = try_op(op, inputs, &out, a);
  REQUIRE_FALSE(status.ok());
  return status.code();
}

Tensor ramp(const Shape& shape, int step, double scale = 1) {
  std::vector<double> v;
  for (int64_t i = 0; i < shape.count(); ++i) v.push_back((double(i * step % 17) / 8 - 1) * scale);
  return tensor<double>(shape, v);
}
Tensor one(int64_t value) { return tensor<int64_t>({}, {value}); }

}  // namespace

TEST_CASE("windows: the formulas of the specification, every element type") {
  struct Case {
    const char* op;
    int64_t periodic;
    std::vector<double> wanted;
  };
  // scipy.signal.get_window, but for the Hamming window, whose coefficients are 25/46 and 21/46.
  const Case cases[] = {
      {"HannWindow", 1, {0, 0.3454915028125263, 0.9045084971874737, 0.9045084971874737, 0.34549150281252633}},
      {"HannWindow", 0, {0, 0.5, 1, 0.5, 0}},
      {"BlackmanWindow",
       1,
       {0, 0.20077014326253045, 0.8492298567374694, 0.8492298567374695, 0.20077014326253048}},
      {"BlackmanWindow", 0, {0, 0.34, 1, 0.34, 0}},
      {"HammingWindow",
       0,
       {0.08695652173913043, 0.5434782608695652, 1, 0.5434782608695652, 0.08695652173913043}},
  };
  for (const Case& c : cases) {
    for (auto [dtype, tolerance] : {std::pair(DType::kFloat64, 1e-15),
                                    {DType::kFloat32, 1e-7},
                                    {DType::kFloat16, 1e-3},
                                    {DType::kBFloat16, 1e-2}}) {
      Attributes a = attributes({{"periodic", c.periodic}, {"output_datatype", int64_t(dtype)}});
      Tensor y = run_op(c.op, {one(5)}, a)[0];
      CHECK(y.dtype() == dtype);
      check_near(numbers(y), c.wanted, tolerance);
    }
  }
  Attributes whole = attributes({{"periodic", int64_t{0}}, {"output_datatype", int64_t(DType::kInt8)}});
  CHECK(numbers(run_op("HannWindow", {tensor<int32_t>({1}, {5})}, whole)[0]) ==
        std::vector<double>{0, 0, 1, 0, 0});
  CHECK(numbers(run_op("HannWindow", {one(1)}, attributes({{"periodic", int64_t{0}}}))[0]) ==
        std::vector<double>{1});
  CHECK(run_op("HannWindow", {one(0)})[0].shape() == Shape{0});
  CHECK(code_of("HannWindow", {one(-1)}) == Code::kInvalidShape);
  CHECK(code_of("HannWindow", {ints({1, 2})}) == Code::kInvalidShape);
  CHECK(code_of("HannWindow", {one(4)}, attributes({{"output_datatype", int64_t{8}}})) ==
        Code::kUnsupportedType);
}

TEST_CASE("DFT and STFT: narrow types, refused arguments") {
  Tensor x = ramp({1, 6, 1}, 5);
  auto wanted = numbers(run_op("DFT", {x})[0]);
  for (auto [dtype, tolerance] : {std::pair(DType::kFloat16, 5e-3), {DType::kBFloat16, 5e-2}}) {
    Tensor y = run_op("DFT", {cast(x, dtype)})[0];
    CHECK(y.dtype() == dtype);
    check_near(numbers(y), wanted, tolerance);
  }
  CHECK(run_op("DFT", {tensor<float>({0, 3, 2}, {})})[0].shape() == Shape{0, 3, 2});
  CHECK(code_of("DFT", {x, one(0)}) == Code::kInvalidArgument);
  CHECK(code_of("DFT", {x, one(int64_t{1} << 40)}) == Code::kInvalidArgument);
  CHECK(code_of("DFT", {x, Tensor(), one(2)}) == Code::kInvalidArgument);
  CHECK(code_of("DFT", {x, Tensor(), one(3)}) == Code::kInvalidShape);
  CHECK(code_of("DFT", {ramp({2, 3, 3}, 1)}) == Code::kInvalidShape);
  CHECK(code_of("DFT", {x}, attributes({{"inverse", int64_t{1}}, {"onesided", int64_t{1}}})) ==
        Code::kInvalidArgument);
  CHECK(code_of("STFT", {x, one(0), Tensor(), one(4)}) == Code::kInvalidArgument);
  CHECK(code_of("STFT", {x, one(1), Tensor(), one(7)}) == Code::kInvalidArgument);
  CHECK(code_of("STFT", {x, one(1), ramp({4}, 1), one(5)}) == Code::kInvalidShape);
  CHECK(run_op("STFT", {x, one(INT64_MAX), ramp({4}, 1)})[0].shape() == Shape{1, 1, 3, 2});
}

TEST_CASE("DeformConv: groups, offset groups, strides, dilations, uneven pads, mask and bias") {
  // Computed term by term in NumPy.
  const std::vector<double> wanted = {
      -0.4893035888671874, -0.980133056640625,   -1.0393072509765624,  -1.0127807617187503,
      -0.7435571289062501, -1.51462890625,       -0.9972000122070312,  -0.3055862426757812,
      -0.7719369506835939, -1.13875732421875,    -0.18080078125000026, -1.1060107421875,
      -0.4603906250000001, -0.133427734375,      -0.35332977294921875, -0.259298095703125,
      -1.088155517578125,  -0.384765625,         -0.280751953125,      0.18649414062500003,
      0.7359924316406248,  -0.07282196044921876, -0.6117593383789063,  -0.040893554687499944};
  std::vector<int64_t> strides{2, 1}, dilations{1, 2}, pads{1, 0, 1, 1};
  Attributes a = attributes({{"group", int64_t{2}},
                             {"offset_group", int64_t{2}},
                             {"strides", strides},
                             {"dilations", dilations},
                             {"pads", pads}});
  std::vector<Tensor> in{ramp({1, 4, 4, 3}, 5), ramp({4, 2, 2, 2}, 7), ramp({1, 16, 3, 2}, 11, 1.3),
                         ramp({4}, 3), ramp({1, 8, 3, 2}, 13)};
  Tensor y = run_op("DeformConv", in, a)[0];
  CHECK(y.shape() == Shape{1, 4, 3, 2});
  check_near(numbers(y), wanted, 1e-12);
  for (auto [dtype, tolerance] :
       {std::pair(DType::kFloat32, 1e-5), {DType::kFloat16, 5e-3}, {DType::kBFloat16, 5e-2}}) {
    std::vector<Tensor> narrow;
    for (const Tensor& t : in) narrow.push_back(cast(t, dtype));
    check_near(numbers(run_op("DeformConv", narrow, a)[0]), wanted, tolerance);
  }
  // Without offsets it is Conv, in one and three dimensions too.
  for (const Shape& spatial : {Shape{7}, Shape{3, 4, 5}}) {
    Shape x{2, 3}, w{2, 3}, o{2, 1};
    for (int64_t d : spatial) x.push_back(d), w.push_back(2), o.push_back(d - 1), o[1] *= 2;
    o[1] *= spatial.rank();
    auto zero = Tensor::allocate(DType::kFloat64, o);
    REQUIRE(zero.ok());
    check_near(numbers(run_op("DeformConv", {ramp(x, 5), ramp(w, 7), *zero})[0]),
               numbers(run_op("Conv", {ramp(x, 5), ramp(w, 7)})[0]), 1e-12);
  }
  in[2] = tensor<double>({1, 16, 3, 2}, std::vector<double>(96, std::nan("")));
  check_near(numbers(run_op("DeformConv", {in[0], in[1], in[2]}, a)[0]), std::vector<double>(24, 0), 0);
  in[2] = ramp({1, 8, 3, 2}, 11);
  CHECK(code_of("DeformConv", in, a) == Code::kInvalidShape);
  a.set("offset_group", int64_t{3});
  CHECK(code_of("DeformConv", in, a) == Code::kInvalidShape);
}

TEST_CASE("Einsum in 16-bit floats and in integers that wrap") {
  Attributes a = attributes({{"equation", std::string("ij,kj->ki")}});
  Tensor x = ramp({3, 4}, 5), y = ramp({2, 4}, 7);
  auto wanted = numbers(run_op("Einsum", {x, y}, a)[0]);
  for (auto [dtype, tolerance] : {std::pair(DType::kFloat16, 2e-3), {DType::kBFloat16, 2e-2}}) {
    Tensor z = run_op("Einsum", {cast(x, dtype), cast(y, dtype)}, a)[0];
    CHECK(z.dtype() == dtype);
    check_near(numbers(z), wanted, tolerance);
  }
  Attributes inner = attributes({{"equation", std::string("i,i")}});
  CHECK(numbers(run_op("Einsum", {tensor<uint8_t>({2}, {200, 3}), tensor<uint8_t>({2}, {2, 5})}, inner)[0]) ==
        std::vector<double>{(400 + 15) % 256});
  CHECK(numbers(run_op("Einsum", {tensor<int16_t>({2}, {-300, 3}), tensor<int16_t>({2}, {300, 5})},
                       inner)[0]) == std::vector<double>{-90000 + 15 + 65536 + 0});
  CHECK(code_of("Einsum", {x, y}, attributes({{"equation", std::string("ij,ki->")}})) == Code::kInvalidShape);
}

TEST_CASE("optimizers: NumPy's values for tensors of both types") {
  const Tensor r = tensor<float>({}, {0.1f}), x = tensor<double>({2}, {1, -2}),
               g = tensor<double>({2}, {-1, 3}), v = tensor<double>({2}, {0.5, 2}),
               h = tensor<double>({2}, {1, 10}), h2 = tensor<double>({2}, {2, 1});
  auto floats_of = [](const Tensor& t) { return cast(t, DType::kFloat32); };
  const std::string domain = "ai.onnx.preview.training";
  auto check = [&](const std::string& op, int64_t t, std::vector<Tensor> state, const Attributes& a,
                   std::vector<std::vector<double>> wanted) {
    // The first tensor is float64, the second float32.
    std::vector<Tensor> in{r, one(t), x, floats_of(x), g, floats_of(g)};
    for (const Tensor& s : state) in.push_back(s), in.push_back(floats_of(s));
    int count = 2 * static_cast<int>(wanted.size());
    auto out = run_op(op, in, a, domain, count);
    for (size_t i = 0; i < out.size(); ++i) {
      CHECK(out[i].dtype() == (i % 2 ? DType::kFloat32 : DType::kFloat64));
      check_near(numbers(out[i]), wanted[i / 2], 1e-6);
    }
  };
  check("Adam", 3, {v, h},
        attributes({{"alpha", 0.9f},
                    {"beta", 0.99f},
                    {"epsilon", 1e-3f},
                    {"norm_coefficient", 0.01f},
                    {"norm_coefficient_post", 0.05f}}),
        {{0.9288136538960641, -1.9400913976976228}, {0.351, 2.098}, {0.999801, 9.988804}});
  check("Adagrad", 3, {h2},
        attributes({{"decay_factor", 0.1f}, {"epsilon", 1e-3f}, {"norm_coefficient", 0.01f}}),
        {{1.0440884591160102, -2.0729033534254517}, {2.9801, 9.8804}});
  auto momentum = [](const char* mode) {
    return attributes(
        {{"alpha", 0.9f}, {"beta", 0.8f}, {"norm_coefficient", 0.01f}, {"mode", std::string(mode)}});
  };
  check("Momentum", 0, {v}, momentum("standard"), {{1.054, -2.478}, {-0.54, 4.78}});
  check("Momentum", 0, {v}, momentum("nesterov"), {{1.1476, -2.7282}, {-0.54, 4.78}});
  check("Momentum", 2, {v}, momentum("standard"), {{1.0342, -2.4184}, {-0.342, 4.184}});
  check("Momentum", 2, {v}, momentum("nesterov"), {{1.12978, -2.67456}, {-0.342, 4.184}});
  std::vector<Tensor> out;
  Status status = try_op("Adam", {r, one(0), x, g, v}, &out, {}, domain, 3);
  REQUIRE_FALSE(status.ok());
  CHECK(status.code() == Code::kInvalidGraph);
}
