// Products of 8-bit matrices: MatMulInteger, QLinearMatMul, MatMulIntegerToFloat, QGemm.
#include <algorithm>

#include "kernels/quant/product.h"
#include "ops/converted.h"
#include "ops/product.h"
#include "ops/quant.h"

namespace kinglet::ops {

namespace {

// Which input is what; -1 where the operator has none.
struct Roles {
  int a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero;
  int bias;  // MatMulIntegerToFloat: float per column; QGemm: int32
};
constexpr Roles kMatMulInteger = {0, -1, 2, 1, -1, 3, -1, -1, -1};
constexpr Roles kQLinearMatMul = {0, 1, 2, 3, 4, 5, 6, 7, -1};
constexpr Roles kToFloat = {0, 2, 4, 1, 3, 5, -1, -1, 6};
constexpr Roles kQGemm = {0, 1, 2, 3, 4, 5, 7, 8, 6};

// A scale or zero point: one value, or one for each row of A (column of B), the same for the whole batch or
// not.
struct List {
  size_t count = 0;             // all values; 0: absent
  bool many = false;            // one for each row or column
  std::vector<size_t> of_item;  // where the values of each item of the batch start; empty: at 0
};

[[gnu::noinline]] Result<List> list_of(const OpContext& c, int input, int64_t want, bool rows,
                                       const Shape& batch) {
  List list;
  if (input < 0 || !c.has_input(input)) return list;
  const Shape& s = c.shape(input);
  list.count = static_cast<size_t>(s.count());
  if (list.count == 1) return list;
  list.many = true;
  if (s == Shape{want}) return list;
  int64_t across = s.rank() > 1 ? s.at(rows ? -1 : -2) : 0, along = s.rank() > 1 ? s.at(rows ? -2 : -1) : 0;
  bool fits = across == 1 && (along == want || along == 1);
  KL_REQUIRE(fits, kInvalidShape, "input ", input, " is ", s, " for ", want, rows ? " rows" : " columns");
  list.many = along == want;
  Shape own;
  for (int i = 0; i < s.rank() - 2; ++i) own.push_back(s.at(i));
  auto together = broadcast(own, batch);
  KL_REQUIRE(together.ok() && *together == batch, kInvalidShape, "input ", input, " is ", s,
             " for the batch ", batch);
  if (own.count() == 1) return list;
  for (int64_t item = 0; item < batch.count(); ++item) {
    int64_t rest = item, at = 0, step = 1;
    for (int i = 1; i <= own.rank(); ++i) {
      if (own.at(-i) != 1) at += rest % batch.at(-i) * step;
      rest /= batch.at(-i);
      step *= own.at(-i);
    }
    list.of_item.push_back(static_cast<size_t>(at * along));
  }
  return list;
}

struct Params {
  Roles roles;
  QuantMatMul call;  // without pointers and items
  std::vector<MatMulItem> items;
  std::shared_ptr<Buffer> packed_a, packed_b;
  List a_zero, b_zero, a_scale, b_scale;
  float alpha = 1;
  // QGemm's C: int32 values for each row, for each column, or one for each element.
  enum { kNoBias, kRowBias, kColumnBias, kOneBias, kFullBias, kFloatBias } bias = kNoBias;
};

struct Spec {
  MatrixStack a, b;
  Shape batch;
  Shape out;
};

[[gnu::noinline]] Result<Spec> spec_of(const OpContext& c, const Roles& r) {
  Spec s;
  KL_REQUIRE(c.rank(r.a) > 0 && c.rank(r.b) > 0, kInvalidShape, "A and B need at least one dimension");
  s.a = matrix_stack(c.shape(r.a), true);
  s.b = matrix_stack(c.shape(r.b), false);
  if (c.attributes().get_int("transA") != 0) s.a = transposed(s.a);
  if (c.attributes().get_int("transB") != 0) s.b = transposed(s.b);
  KL_ASSIGN(s.batch, product_batch(s.a, s.b));
  s.out = s.batch;
  if (c.rank(r.a) > 1) s.out.push_back(s.a.rows);
  if (c.rank(r.b) > 1) s.out.push_back(s.b.columns);
  return s;
}

Status check_lists(const OpContext& c, const Roles& r, const Spec& s) {
  for (int i : {r.a_scale, r.a_zero}) {
    KL_ASSIGN([[maybe_unused]] List list, list_of(c, i, s.a.rows, true, s.batch));
  }
  for (int i : {r.b_scale, r.b_zero}) {
    KL_ASSIGN([[maybe_unused]] List list, list_of(c, i, s.b.columns, false, s.batch));
  }
  for (int i : {r.y_scale, r.y_zero})
    if (i >= 0) KL_TRY(require_single(c, i, "the scale or zero point of the result"));
  return {};
}

Result<size_t> lists_bytes(const Params& p) {
  size_t values = p.call.m + p.call.n + 16;
  for (const List* list : {&p.a_zero, &p.b_zero, &p.a_scale, &p.b_scale}) {
    KL_ASSIGN(values, checked_add(values, list->count));
  }
  KL_ASSIGN(size_t bytes, checked_mul(values, sizeof(int32_t)));
  KL_ASSIGN(bytes, checked_add(bytes, kBufferAlignment));
  return bytes / kBufferAlignment * kBufferAlignment;
}

// Values of a list in scratch memory.
template <class T>
const T* fill(const List& list, const Run& run, int input, void (*read)(const Tensor&, T*, size_t),
              std::byte** memory) {
  if (list.count == 0) return nullptr;
  auto* values = reinterpret_cast<T*>(*memory);
  read(run.in(input), values, list.count);
  *memory += list.count * sizeof(T);
  return values;
}

// Scales of the sums: what A, B and the result have, together.
class Scales {
 public:
  Scales(const Params& p, const Run& run, std::byte** memory)
      : p_(p),
        a_(fill(p.a_scale, run, p.roles.a_scale, read_floats, memory)),
        b_(fill(p.b_scale, run, p.roles.b_scale, read_floats, memory)),
        y_(p.roles.y_scale >= 0 && run.has_in(p.roles.y_scale) ? scale_of(run, p.roles.y_scale) : 0),
        rows_(reinterpret_cast<float*>(*memory)),
        columns_(rows_ + p.call.m) {
    *memory += (p.call.m + p.call.n) * sizeof(float);
  }
  [[gnu::noinline]] void set(QuantMatMul* call, size_t item) const {
    const float *a = at(p_.a_scale, a_, item), *b = at(p_.b_scale, b_, item);
    auto whole = [&](float x, float y) {
      float both = p_.alpha == 1 ? x * y : p_.alpha * x * y;
      return y_ == 0 ? both : both / y_;
    };
    if (a == nullptr) return;
    call->scale = whole(*a, *b);
    if (p_.a_scale.many) {
      for (size_t i = 0; i < call->m; ++i) rows_[i] = p_.b_scale.many ? a[i] : whole(a[i], *b);
      call->row_scale = rows_;
    }
    if (p_.b_scale.many) {
      for (size_t j = 0; j < call->n; ++j) columns_[j] = whole(p_.a_scale.many ? 1.0f : *a, b[j]);
      call->column_scale = columns_;
    }
  }
  template <class T>
  static const T* at(const List& list, const T* values, size_t item) {
    return values == nullptr || list.of_item.empty() ? values : values + list.of_item[item];
  }

 private:
  const Params& p_;
  const float *a_, *b_;
  float y_;
  float *rows_, *columns_;
};

Status run(const Params& p, Run& run) {
  const Roles& r = p.roles;
  QuantMatMul call = p.call;
  std::byte* memory = run.scratch();
  call.a.data = p.packed_a ? reinterpret_cast<uint8_t*>(p.packed_a->data()) : run.in(r.a).data<uint8_t>();
  call.b.data = p.packed_b ? reinterpret_cast<uint8_t*>(p.packed_b->data()) : run.in(r.b).data<uint8_t>();
  call.c = run.out(0).data();
  const int32_t* a_zero = fill(p.a_zero, run, r.a_zero, read_ints, &memory);
  const int32_t* b_zero = fill(p.b_zero, run, r.b_zero, read_ints, &memory);
  Scales scales(p, run, &memory);
  if (r.y_zero >= 0) call.c_zero = zero_point(run, r.y_zero);
  if (p.bias == Params::kFloatBias) {
    call.addend = run.in(r.bias).data<const float>();
  } else if (p.bias != Params::kNoBias) {
    const auto* c = run.in(r.bias).data<const int32_t>();
    if (p.bias == Params::kRowBias) call.row_bias = c;
    if (p.bias == Params::kColumnBias) call.column_bias = c;
    if (p.bias == Params::kOneBias) {
      auto* spread = reinterpret_cast<int32_t*>(memory);
      std::fill(spread, spread + call.n, *c);
      call.column_bias = spread;
    }
  }
  QuantKernel kernel = select_quant();
  QuantResult result = p.call.result;
  void* scratch = run.scratch() + *lists_bytes(p);
  bool by_item = !p.a_zero.of_item.empty() || !p.b_zero.of_item.empty() || !p.a_scale.of_item.empty() ||
                 !p.b_scale.of_item.empty();
  auto set = [&](size_t item) {
    scales.set(&call, item);
    call.a_zero = Scales::at(p.a_zero, a_zero, item);
    call.b_zero = Scales::at(p.b_zero, b_zero, item);
  };
  set(0);
  if (call.b_zero_columns && !by_item) call.b_zero_columns = !all_equal(call.b_zero, call.n);
  call.items = p.items;
  if (by_item) {
    for (size_t i = 0; i < p.items.size() && !run.cancelled(); ++i) {
      set(i);
      call.items = std::span(p.items).subspan(i, 1);
      quant_matmul(call, kernel, scratch, run.parallel());
    }
    return {};
  }
  if (p.bias != Params::kFullBias) {
    quant_matmul(call, kernel, scratch, run.parallel());
    return {};
  }
  // A value for each element: row by row.
  QuantMatMul row = call;
  row.m = 1;
  for (size_t i = 0; i < call.m && !run.cancelled(); ++i) {
    row.a.data = call.a.data + i * call.a.row;
    row.a_zero = call.a_zero && call.a_zero_rows ? call.a_zero + i : call.a_zero;
    row.row_scale = call.row_scale ? call.row_scale + i : nullptr;
    row.column_bias = run.in(r.bias).data<const int32_t>() + i * call.n;
    row.c = run.out(0).data() + i * call.n * (result == QuantResult::kFloat32 ? sizeof(float) : 1);
    quant_matmul(row, kernel, scratch, run.parallel());
  }
  return {};
}

// Whether all matrices of A lie one below the other.
bool is_tall(const MatrixStack& a) {
  return a.batch_strides.empty() || (a.column_stride == 1 && a.row_stride == a.columns);
}

size_t item_offset(const MatrixStack& m, const Shape& batch, int64_t index) {
  int64_t offset = 0;
  for (int i = 1; i <= batch.rank(); index /= batch.at(-i), ++i) {
    if (i <= m.batch.rank() && m.batch.at(-i) != 1) offset += index % batch.at(-i) * m.batch_strides.at(-i);
  }
  return static_cast<size_t>(offset);
}

Status set_bias(const LowerContext& c, const Roles& r, const Spec& s, Params* p) {
  if (r.bias < 0 || !c.has_input(r.bias)) return {};
  const Shape& shape = c.shape(r.bias);
  if (c.dtype(r.bias) != DType::kInt32) {
    p->bias = Params::kFloatBias;
  } else {
    int64_t rows = shape.rank() > 1 ? shape.at(-2) : 1, columns = shape.rank() > 0 ? shape.at(-1) : 1;
    bool wide = columns == s.b.columns, high = rows == s.a.rows;
    p->bias = rows == 1 && wide      ? Params::kColumnBias
              : shape.count() == 1   ? Params::kOneBias
              : columns == 1 && high ? Params::kRowBias
                                     : Params::kFullBias;
  }
  return {};
}

[[gnu::noinline]] Status lower(LowerContext& c, const Roles& r) {
  KL_ASSIGN(Spec s, spec_of(c, r));
  Params p;
  p.roles = r;
  p.alpha = c.attributes().get_float("alpha", 1);
  KL_ASSIGN(p.a_zero, list_of(c, r.a_zero, s.a.rows, true, s.batch));
  KL_ASSIGN(p.a_scale, list_of(c, r.a_scale, s.a.rows, true, s.batch));
  KL_ASSIGN(p.b_zero, list_of(c, r.b_zero, s.b.columns, false, s.batch));
  KL_ASSIGN(p.b_scale, list_of(c, r.b_scale, s.b.columns, false, s.batch));
  KL_TRY(set_bias(c, r, s, &p));
  KL_ASSIGN(int64_t items, checked_count(s.batch));
  QuantMatMul& call = p.call;
  call.m = static_cast<size_t>(s.a.rows);
  call.n = static_cast<size_t>(s.b.columns);
  call.k = static_cast<size_t>(s.a.columns);
  call.a = {nullptr, static_cast<size_t>(s.a.row_stride), static_cast<size_t>(s.a.column_stride),
            c.dtype(r.a) == DType::kInt8, false};
  call.b = {nullptr, static_cast<size_t>(s.b.row_stride), static_cast<size_t>(s.b.column_stride),
            c.dtype(r.b) == DType::kInt8, false};
  call.a_zero_rows = p.a_zero.many;
  call.b_zero_columns = p.b_zero.many;
  bool one_b = s.b.batch.count() == 1;
  bool lists_of_items = p.a_zero.many || p.a_scale.many || !p.a_zero.of_item.empty() ||
                        !p.a_scale.of_item.empty() || !p.b_zero.of_item.empty() || !p.b_scale.of_item.empty();
  if (one_b && !lists_of_items && is_tall(s.a) && s.a.batch == s.batch) {
    KL_ASSIGN(int64_t rows, checked_mul(s.a.rows, items));
    call.m = static_cast<size_t>(rows);
    items = 1;
  }
  QuantKernel kernel = select_quant();
  if (one_b && c.constant(r.b) != nullptr) {
    KL_ASSIGN(size_t bytes, quant_packed_b_bytes(call.k, call.n, kernel));
    ByteMatrix b = call.b;
    b.data = c.constant(r.b)->data<const uint8_t>();
    c.spent(r.b);
    KL_ASSIGN(p.packed_b, c.packed(r.b, str("quant b ", call.k, " ", b.row), bytes, [&](std::byte* to) {
      quant_pack_b(b, call.k, call.n, kernel, reinterpret_cast<uint8_t*>(to));
    }));
    call.b.packed = p.packed_b != nullptr;
  } else if (items == 1 && c.constant(r.a) != nullptr && p.bias != Params::kFullBias) {
    KL_ASSIGN(size_t bytes, quant_packed_a_bytes(call.m, call.k, kernel));
    ByteMatrix a = call.a;
    a.data = c.constant(r.a)->data<const uint8_t>();
    KL_ASSIGN(p.packed_a, c.packed(r.a, str("quant a ", call.k, " ", a.row), bytes, [&](std::byte* to) {
      quant_pack_a(a, call.m, call.k, kernel, reinterpret_cast<uint8_t*>(to));
    }));
    call.a.packed = p.packed_a != nullptr;
  }
  call.c_row = call.n;
  for (int64_t i = 0; items != 1 && i < items; ++i)
    p.items.push_back({item_offset(s.a, s.batch, i), one_b ? 0 : item_offset(s.b, s.batch, i),
                       static_cast<size_t>(i) * call.m * call.n, 0});
  call.result = quant_result(c.out_dtype(0));
  call.items = p.items;
  KL_ASSIGN(size_t scratch, quant_scratch_bytes(call, kernel, c.threads()));
  if (p.bias == Params::kFullBias) {
    QuantMatMul row = call;
    row.m = 1;
    KL_ASSIGN(size_t for_row, quant_scratch_bytes(row, kernel, c.threads()));
    scratch = std::max(scratch, for_row);
  }
  call.items = {};
  KL_ASSIGN(size_t lists, lists_bytes(p));
  KL_ASSIGN(scratch, checked_add(scratch, lists));
  c.scratch(scratch);
  const char* name = quant_kernel_name(kernel);
  if (c.out_dtype(0) == DType::kFloat16) {
    add_converted_step<run>(c, name, DType::kFloat16, DType::kFloat32, std::move(p));
  } else {
    c.step<run>(name, std::move(p));
  }
  return {};
}

[[gnu::noinline]] Status infer(InferContext& c, const Roles& r, DType dtype) {
  KL_ASSIGN(Spec s, spec_of(c, r));
  KL_TRY(check_lists(c, r, s));
  c.output(0, dtype, s.out);
  return {};
}

Status infer_gemm(InferContext& c) {
  const Roles& r = kQGemm;
  KL_REQUIRE(c.rank(r.a) == 2 && c.rank(r.b) == 2, kInvalidShape, "A and B need two dimensions, they are ",
             c.shape(r.a), " and ", c.shape(r.b));
  KL_TRY(infer(c, r,
               c.has_input(r.y_scale) && c.has_input(r.y_zero) ? c.dtype(r.y_zero)
               : c.has_input(r.y_scale)                        ? c.dtype(r.a)
                                                               : DType::kFloat32));
  KL_ASSIGN(Spec s, spec_of(c, r));
  if (!c.has_input(r.bias)) return {};
  auto together = broadcast(c.shape(r.bias), s.out);
  KL_REQUIRE(together.ok() && *together == s.out, kInvalidShape, "C is ", c.shape(r.bias),
             ", it must broadcast to ", s.out);
  // C is one value, a row, a column, or a whole matrix.
  return {};
}

Status infer_to_float(InferContext& c) {
  KL_TRY(infer(c, kToFloat, c.dtype(kToFloat.a_scale)));
  KL_ASSIGN(Spec s, spec_of(c, kToFloat));
  KL_REQUIRE(!c.has_input(kToFloat.bias) || c.shape(kToFloat.bias) == Shape{s.b.columns}, kInvalidShape,
             "bias is ", c.shape(kToFloat.bias), " for ", s.b.columns, " columns");
  return {};
}

constexpr OpDef kProducts[] = {
    {kOnnx, "MatMulInteger",
     "A:T1 B:T2 a_zero_point:T1? b_zero_point:T2? -> Y:int32 | T1=int8,uint8 T2=int8,uint8",
     [](InferContext& c) { return infer(c, kMatMulInteger, DType::kInt32); },
     [](LowerContext& c) { return lower(c, kMatMulInteger); }},
    {kOnnx, "QLinearMatMul",
     "a:T1 a_scale:S a_zero_point:T1 b:T2 b_scale:S b_zero_point:T2 y_scale:S y_zero_point:T3 -> y:T3 | "
     "T1=int8,uint8 T2=int8,uint8 T3=int8,uint8 S=float32,float16,bfloat16",
     [](InferContext& c) { return infer(c, kQLinearMatMul, c.dtype(kQLinearMatMul.y_zero)); },
     [](LowerContext& c) { return lower(c, kQLinearMatMul); }},
    {kMicrosoft, "MatMulIntegerToFloat",
     "A:T1 B:T2 a_scale:T3 b_scale:T3 a_zero_point:T1? b_zero_point:T2? bias:T3? -> Y:T3 | T1=int8,uint8 "
     "T2=int8,uint8 T3=float32,float16",
     infer_to_float, [](LowerContext& c) { return lower(c, kToFloat); }},
    {kMicrosoft, "QGemm",
     "A:TA a_scale:float32 a_zero_point:TA B:TB b_scale:float32 b_zero_point:TB C:int32? y_scale:float32? "
     "y_zero_point:TYZ? -> Y:TY | TA=int8,uint8 TB=int8,uint8 TYZ=int8,uint8 TY=float32,int8,uint8 | "
     "alpha:f=1 transA:i=0 transB:i=0",
     infer_gemm, [](LowerContext& c) { return lower(c, kQGemm); }},
};

}  // namespace

std::span<const OpDef> integer_product() { return kProducts; }

}  // namespace kinglet::ops
