#include <doctest/doctest.h>

#include <string>

#include "passes/expect.h"

using namespace kinglet::testing;

namespace {

const std::string kHead =
    "input x: float32[N,8,H,W] const w: float32[100,8,1,1] = ramp const b: float32[100] = ramp ";

}  // namespace

TEST_CASE("normalize_average_pool: the mean comes before the convolution that it thins out") {
  const std::string pool = "AveragePool(", two = ") {kernel_shape=[2, 2], strides=[2, 2]} ";
  expect_pass("normalize_average_pool",
              kHead + "c = Conv(x, w, b) y = " + pool + "c" + two + "output y: float32",
              kHead + "p = " + pool + "x" + two + "y = Conv(p, w, b) output y: float32");
  expect_pass("normalize_average_pool",
              "input x: float32[N,8,H,W] const w: float32[200,4,1,1] = ramp c = Conv(x, w) {group=2} y = " +
                  pool + "c" + two + "output y: float32",
              "input x: float32[N,8,H,W] const w: float32[200,4,1,1] = ramp p = " + pool + "x" + two +
                  "y = Conv(p, w) {group=2} output y: float32");
}

TEST_CASE("normalize_average_pool leaves alone what is not the same, or not less work") {
  auto unchanged = [](const std::string& text) { expect_unchanged("normalize_average_pool", text); };
  const std::string conv = kHead + "c = Conv(x, w, b) ", end = " output y: float32";
  const std::string pool = "y = AveragePool(c) {kernel_shape=[2, 2], strides=[2, 2]}" + end;
  unchanged(conv + "y = AveragePool(c) {kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 1, 1]}" + end);
  unchanged(conv + "y = AveragePool(c) {kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1}" + end);
  unchanged(conv + "y = AveragePool(c) {kernel_shape=[2, 2], strides=[2, 2], auto_pad=\"SAME_UPPER\"}" + end);
  unchanged(conv + "y = MaxPool(c) {kernel_shape=[2, 2], strides=[2, 2]}" + end);
  unchanged(conv + pool + " output c: float32");
  unchanged(conv + "d = Relu(c) y = AveragePool(d) {kernel_shape=[2, 2], strides=[2, 2]}" + end);
  unchanged(kHead + "c = Conv(x, w, b) {pads=[1, 0, 0, 0]} " + pool);
  unchanged(kHead + "c = Conv(x, w, b) {strides=[1, 2]} " + pool);
  unchanged("input x: float32[N,8,H,W] const w: float32[100,8,3,1] = ramp c = Conv(x, w) " + pool);
  unchanged("input x: float32[N,8,H,W] input w: float32[100,8,1,1] c = Conv(x, w) " + pool);
  // Without strides, few outputs of many channels.
  unchanged(
      "input x: float32[N,8,H,W] const w: float32[8,8,1,1] = ramp c = Conv(x, w) y = AveragePool(c) "
      "{kernel_shape=[2, 2]}" +
      end);
  unchanged("input x: float32[N,80,H,W] const w: float32[20,80,1,1] = ramp c = Conv(x, w) " + pool);
}
