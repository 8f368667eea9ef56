#include "kernels/cast/convert.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

// uint8 data hold values of `bits` bits, packed along the last dimension; `value` is their type.
struct Params {
  DType value = DType::kNone;
  Shape data;  // in values
  int gather = 0, quantize = 0;
  int64_t block = 1, blocks = 1;  // blocks of the quantised axis
  int64_t zero_row = 0;           // values of the last dimension of zero points, padded to bytes
  float zero = 0;                 // where none is given
};

bool is_packed(const OpContext& c) { return c.dtype(0) == DType::kUInt8; }

Result<Params> params_of(const OpContext& c) {
  Params p;
  p.value = c.dtype(0);
  p.data = c.shape(0);
  KL_REQUIRE(p.data.rank() > 0, kInvalidShape, "data is a scalar");
  KL_ASSIGN(p.gather, normalize_axis(c.attributes().get_int("gather_axis"), p.data.rank()));
  KL_ASSIGN(p.quantize, normalize_axis(c.attributes().get_int("quantize_axis", 1), p.data.rank()));
  int64_t per_byte = 1;
  if (is_packed(c)) {
    int64_t bits = c.attributes().get_int("bits", 4);
    KL_REQUIRE(bits == 2 || bits == 4 || bits == 8, kInvalidArgument, "bits is ", bits);
    KL_REQUIRE(p.gather == 0, kInvalidArgument, "gather_axis is ", p.gather, " for data of uint8");
    p.value = bits == 2 ? DType::kUInt2 : bits == 4 ? DType::kUInt4 : DType::kUInt8;
    p.zero = static_cast<float>(1 << (bits - 1));
    per_byte = 8 / bits;
    p.data[p.data.size() - 1] *= per_byte;
  }
  p.block = c.attributes().get_int("block_size", 128);
  KL_REQUIRE(p.block >= 16 && (p.block & (p.block - 1)) == 0, kInvalidArgument, "block_size is ", p.block);
  auto axis = static_cast<size_t>(p.quantize);
  p.blocks = ceil_div(p.data[axis], p.block);
  Shape scales = p.data;
  scales[axis] = p.blocks;
  KL_REQUIRE(c.shape(2) == scales, kInvalidShape, "scales are ", c.shape(2), ", expected ", scales);
  p.zero_row = ceil_div(scales.back(), per_byte) * per_byte;
  if (c.has_input(3)) {
    Shape zeros = scales;
    zeros[zeros.size() - 1] = p.zero_row / per_byte;
    KL_REQUIRE(c.shape(3) == zeros && c.dtype(3) == c.dtype(0), kInvalidShape, "zero points are ", c.dtype(3),
               c.shape(3), ", expected ", c.dtype(0), zeros);
  }
  return p;
}

Status infer(InferContext& c) {
  KL_ASSIGN(Params p, params_of(c));
  KL_REQUIRE(p.data.rank() - 1 + c.rank(1) <= kMaxRank, kLimitExceeded, "the output's rank is above ",
             kMaxRank);
  Shape out = p.data;
  out.erase(p.gather);
  for (int i = 0; i < c.rank(1); ++i) out.insert(p.gather + i, c.shape(1).at(i));
  KL_ASSIGN([[maybe_unused]] int64_t count, checked_count(out));
  c.output(0, c.dtype(2), out);
  return {};
}

Status run(const Params& p, Run& run) {
  const Tensor &data = run.in(0), &indices = run.in(1), &scales = run.in(2), &out = run.out(0);
  int64_t extent = p.data.at(p.gather), inner = p.data.count(p.gather + 1), outer = p.data.count(0, p.gather);
  int64_t post = p.data.count(p.quantize + 1), length = p.data.at(p.quantize);
  int64_t count = indices.count(), last = scales.shape().back();
  for (int64_t i = 0; i < count; ++i) {
    auto index = static_cast<int64_t>(indices.number(i));
    KL_REQUIRE(index >= -extent && index < extent, kIndexOutOfRange, "index ", index, " of ", extent);
  }
  if (inner == 0) return {};
  auto rows = static_cast<size_t>(outer * count);
  parallel_for(run.parallel(), rows, 1 + 8192 / static_cast<size_t>(inner), [&](size_t begin, size_t end) {
    float value[kRun];
    for (size_t row = begin; row < end; ++row) {
      auto at = static_cast<int64_t>(row);
      auto index = static_cast<int64_t>(indices.number(at % count));
      int64_t from = (at / count * extent + (index < 0 ? index + extent : index)) * inner;
      for (int64_t e = 0; e < inner; e += static_cast<int64_t>(kRun)) {
        auto n = static_cast<size_t>(std::min<int64_t>(inner - e, kRun));
        load_run(p.value, data.data(), from + e, Compute::kF32, value, n);
        for (size_t i = 0; i < n; ++i) {
          int64_t element = from + e + static_cast<int64_t>(i);
          int64_t group = (element / post / length * p.blocks + element / post % length / p.block) * post +
                          element % post;
          float zero = p.zero, scale;
          load_run(scales.dtype(), scales.data(), group, Compute::kF32, &scale, 1);
          if (run.has_in(3))
            load_run(p.value, run.in(3).data(), group / last * p.zero_row + group % last, Compute::kF32,
                     &zero, 1);
          value[i] = (value[i] - zero) * scale;
        }
        store_run(Compute::kF32, value, out.dtype(), out.data(), at * inner + e, n);
      }
    }
  });
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(Params p, params_of(c));
  c.step<run>("gather/block_quantized", p);
  return {};
}

}  // namespace

extern const OpDef gather_block_quantized{
    .domain = kMicrosoft,
    .name = "GatherBlockQuantized",
    .signature =
        "data:T1 indices:int32,int64 scales:T2 zero_points:T1? -> output:T2 | T1=int4,uint4,uint8 "
        "T2=float32,float16,bfloat16 | bits:i=4 block_size:i=128 gather_axis:i=0 quantize_axis:i=1",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
