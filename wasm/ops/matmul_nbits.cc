#include "kernels/quant/nbits.h"
#include "ops/converted.h"

namespace kinglet::ops {

namespace {

struct Params {
  NBits w;  // without pointers
  size_t rows = 0;
  bool by_rows = false;  // few rows, without floats of the weights
  std::shared_ptr<Buffer> packed;
};

// Of 4 bits; half as many of 8.
constexpr size_t kFewRows = 8, kFewRough = 64;

Result<Params> params_of(const OpContext& c) {
  Params p;
  auto number = [&](const char* name, int64_t least, int64_t absent) -> Result<size_t> {
    int64_t v = c.attributes().get_int(name, absent);
    KL_REQUIRE(v >= least && v < int64_t{1} << 31, kInvalidArgument, name, " is ", v);
    return static_cast<size_t>(v);
  };
  KL_ASSIGN(p.w.k, number("K", 1, 0));
  KL_ASSIGN(p.w.n, number("N", 1, 0));
  KL_ASSIGN(p.w.bits, number("bits", 2, 4));
  KL_ASSIGN(p.w.block, number("block_size", 16, 0));
  // 4: 8 bits will do for A.
  p.w.rough = c.attributes().get_int("accuracy_level") == 4;
  const NBits& w = p.w;
  KL_REQUIRE(w.bits == 2 || w.bits == 4 || w.bits == 8, kUnsupportedFeature, "weights of ", w.bits, " bits");
  KL_REQUIRE((w.block & (w.block - 1)) == 0 && w.block < size_t{1} << 24, kInvalidArgument, "block_size is ",
             w.block, ", which is no power of two below 2^24");
  KL_REQUIRE(c.attributes().get_int("weight_prepacked") == 0, kUnsupportedFeature,
             "weights packed for one processor");
  const Shape& a = c.shape(0);
  KL_REQUIRE(!a.empty() && a.back() == static_cast<int64_t>(w.k), kInvalidShape, "A is ", a, ", K is ", w.k);
  p.rows = static_cast<size_t>(a.count(0, a.rank() - 1));
  auto expect = [&](int input, const char* name, size_t per_column) -> Status {
    KL_ASSIGN(size_t want, checked_mul(w.n, per_column));
    KL_REQUIRE(static_cast<size_t>(c.shape(input).count()) == want, kInvalidShape, name, " is ",
               c.shape(input), ", expected ", want, " elements");
    return {};
  };
  KL_ASSIGN(size_t bytes, checked_mul(w.blocks(), w.block * w.bits / 8));
  KL_TRY(expect(1, "B", bytes));
  KL_TRY(expect(2, "scales", w.blocks()));
  KL_REQUIRE(c.dtype(2) == c.dtype(0), kInvalidGraph, "A is ", c.dtype(0), ", scales are ", c.dtype(2));
  if (c.has_input(3)) {
    bool packed = c.dtype(3) == DType::kUInt8;
    KL_REQUIRE(packed || c.dtype(3) == c.dtype(0), kUnsupportedType, "A is ", c.dtype(0),
               ", zero points are ", c.dtype(3));
    KL_TRY(expect(3, "zero_points", packed ? (w.blocks() * w.bits + 7) / 8 : w.blocks()));
  }
  KL_REQUIRE(!c.has_input(4) || static_cast<size_t>(c.shape(4).count()) >= w.k, kInvalidShape, "g_idx is ",
             c.shape(4), ", K is ", w.k);
  if (c.has_input(5)) KL_TRY(expect(5, "bias", 1));
  return p;
}

Status infer(InferContext& c) {
  KL_ASSIGN([[maybe_unused]] Params p, params_of(c));
  Shape out = c.shape(0);
  out[out.size() - 1] = static_cast<int64_t>(p.w.n);
  c.output(0, c.dtype(0), out);
  return {};
}

MatMul<float> call_of(const Params& p) {
  MatMul<float> call;
  call.m = p.rows;
  call.n = call.c_row = p.w.n;
  call.k = p.w.k;
  call.a.row = p.w.k;
  call.pack = nbits_pack;
  return call;
}

Status run(const Params& p, Run& run) {
  NBits w = p.w;
  w.q = p.packed ? reinterpret_cast<uint8_t*>(p.packed->data()) : run.in(1).data<const uint8_t>();
  w.scales = run.in(2).data<const float>();
  if (run.has_in(3) && run.in(3).dtype() == DType::kUInt8)
    w.packed_zeros = run.in(3).data<const uint8_t>();
  else if (run.has_in(3))
    w.zeros = run.in(3).data<const float>();
  if (run.has_in(4)) {
    w.group_of = run.in(4).data<const int32_t>();
    for (size_t i = 0; i < w.k; ++i)
      KL_REQUIRE(w.group_of[i] >= 0 && static_cast<size_t>(w.group_of[i]) < w.blocks(), kIndexOutOfRange,
                 "g_idx has ", w.group_of[i], " of ", w.blocks(), " groups");
  }
  const float* bias = run.has_in(5) ? run.in(5).data<const float>() : nullptr;
  const float* a = run.in(0).data<const float>();
  float* y = run.out(0).data<float>();
  if (p.by_rows) {
    nbits_rows(w, a, p.rows, bias, y, reinterpret_cast<float*>(run.scratch()), run.parallel());
    return {};
  }
  MatMul<float> call = call_of(p);
  call.a.data = a;
  call.c = y;
  call.column_bias = bias;
  call.pack_context = &w;
  matmul(call, select_matmul(call), run.scratch(), run.parallel());
  return {};
}

Status lower(LowerContext& c) {
  KL_ASSIGN(Params p, params_of(c));
  const Tensor* q = c.constant(1);
  if (!c.has_input(4) && q != nullptr && nbits_packs(p.w)) {
    KL_ASSIGN(size_t bytes, nbits_packed_bytes(p.w));
    NBits w = p.w;
    w.q = q->data<const uint8_t>();
    c.spent(1);
    KL_ASSIGN(p.packed, c.packed(1, str("nbits", w.bits), bytes, [&](std::byte* to) {
      nbits_pack_columns(w, reinterpret_cast<uint8_t*>(to));
    }));
    p.w.packed = true;
  }
  p.by_rows = p.w.packed && p.rows * p.w.bits <= 4 * (p.w.rough ? kFewRough : kFewRows);
  const char* name = "nbits/row";
  if (p.by_rows) {
    KL_ASSIGN(size_t floats, nbits_rows_scratch(p.w, p.rows));
    KL_ASSIGN(size_t bytes, checked_mul(floats, sizeof(float)));
    c.scratch(bytes);
  } else {
    MatMul<float> call = call_of(p);
    MatMulKernel kernel = select_matmul(call);
    KL_ASSIGN(size_t bytes, matmul_scratch_bytes(call, kernel, c.threads()));
    c.scratch(bytes);
    name = matmul_kernel_name(kernel);
  }
  if (c.dtype(0) == DType::kFloat32)
    c.step<run>(name, p);
  else
    add_converted_step<run>(c, name, c.dtype(0), DType::kFloat32, p);
  return {};
}

}  // namespace

extern const OpDef matmul_nbits{
    .domain = kMicrosoft,
    .name = "MatMulNBits",
    .signature =
        "A:T1 B:uint8 scales:T1 zero_points:uint8,float32,float16,bfloat16? g_idx:int32? bias:T1? -> Y:T1 "
        "| T1=float32,float16,bfloat16 | K:i! N:i! accuracy_level:i=0 bits:i=4 block_size:i! "
        "weight_prepacked:i=0",
    .infer = infer,
    .lower = lower};

}  // namespace kinglet::ops
