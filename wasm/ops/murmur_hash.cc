#include <bit>
#include <cstring>

#include "ops/context.h"
#include "ops/element.h"

namespace kinglet::ops {

namespace {

struct Params {
  uint32_t seed;
};

uint32_t scrambled(uint32_t k) { return std::rotl(k * 0xcc9e2d51u, 15) * 0x1b873593u; }

// MurmurHash3_x86_32
uint32_t hash(const void* data, size_t length, uint32_t h) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  size_t i = 0;
  for (; i + 4 <= length; i += 4) {
    uint32_t k;
    std::memcpy(&k, bytes + i, 4);
    h = std::rotl(h ^ scrambled(k), 13) * 5 + 0xe6546b64u;
  }
  uint32_t rest = 0;
  for (size_t left = length - i; left > 0; --left) rest = rest << 8 | bytes[i + left - 1];
  h ^= scrambled(rest);
  h ^= static_cast<uint32_t>(length);
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  return h ^ h >> 16;
}

Status run(const Params& p, Run& run) {
  const Tensor& in = run.in(0);
  auto* out = run.out(0).data<uint32_t>();
  auto width = static_cast<size_t>(in.dtype() == DType::kString ? 0 : dtype_bits(in.dtype()) / 8);
  for (int64_t i = 0; i < in.count(); ++i) {
    if (width == 0)
      out[i] = hash(in.data<std::string>()[i].data(), in.data<std::string>()[i].size(), p.seed);
    else
      out[i] = hash(in.data() + static_cast<size_t>(i) * width, width, p.seed);
  }
  return {};
}

Status infer(InferContext& c) {
  bool positive = c.attributes().get_int("positive", 1) != 0;
  c.output(0, positive ? DType::kUInt32 : DType::kInt32, c.shape(0));
  return {};
}

Status lower(LowerContext& c) {
  c.step<run>("murmur_hash", Params{static_cast<uint32_t>(c.attributes().get_int("seed"))});
  return {};
}

}  // namespace

extern const OpDef murmur_hash{
    .domain = kMicrosoft,
    .name = "MurmurHash3",
    .signature =
        "X:uint32,int32,uint64,int64,float32,float64,string -> Y:uint32,int32 | | positive:i=1 seed:i=0",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
