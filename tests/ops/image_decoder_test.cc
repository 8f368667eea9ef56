// ImageDecoder against a host of the tests' own; real pictures are decoded in tests/web and tests/e2e.
#include "support/evaluate_op.h"
#include "support/host.h"

using namespace kinglet;
using namespace kinglet::testing;

namespace {

Status decode(const std::string& text, const std::string& format, std::vector<Tensor>* out) {
  Tensor file = tensor<uint8_t>({static_cast<int64_t>(text.size())}, {text.begin(), text.end()});
  return try_op("ImageDecoder", {file}, out, attributes({{"pixel_format", format}}));
}

}  // namespace

TEST_CASE("ImageDecoder takes its pixels from the host") {
  host_picture = {"picture", 2, 3};
  for (auto [format, number, channels] : {std::tuple("RGB", 0, 3), {"BGR", 1, 3}, {"Grayscale", 2, 1}}) {
    std::vector<Tensor> out;
    require_ok(decode("picture", format, &out));
    CHECK(out[0].dtype() == DType::kUInt8);
    CHECK(out[0].shape() == Shape{2, 3, channels});
    CHECK(out[0].values<uint8_t>()[4] == number * 100 + 4);
  }
  std::vector<Tensor> out;
  CHECK(decode("another", "RGB", &out).code() == Code::kUnsupportedFeature);
  CHECK(decode("", "RGB", &out).code() == Code::kUnsupportedFeature);
  CHECK(decode("picture", "RGBA", &out).code() == Code::kInvalidGraph);
  CHECK(try_op("ImageDecoder", {tensor<uint8_t>({1, 7}, std::vector<uint8_t>(7))}, &out).code() ==
        Code::kInvalidShape);
  // What a host says is checked before memory is taken.
  host_picture = {"picture", -1, 3};
  CHECK_FALSE(decode("picture", "RGB", &out).ok());
  host_picture = {"picture", INT32_MAX, INT32_MAX};
  CHECK_FALSE(decode("picture", "RGB", &out).ok());
  host_picture = {};
}
