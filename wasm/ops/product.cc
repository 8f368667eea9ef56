#include "ops/product.h"

#include <algorithm>

#include "ops/converted.h"

namespace kinglet {

MatrixStack matrix_stack(const Shape& shape, bool vector_is_row) {
  MatrixStack m;
  int rank = shape.rank();
  if (rank == 1) {
    m.rows = vector_is_row ? 1 : shape[0];
    m.columns = vector_is_row ? shape[0] : 1;
    m.row_stride = m.columns;
    return m;
  }
  Shape strides = strides_of(shape);
  m.rows = shape.at(-2);
  m.columns = shape.at(-1);
  m.row_stride = m.columns;
  for (int i = 0; i < rank - 2; ++i) {
    m.batch.push_back(shape.at(i));
    m.batch_strides.push_back(strides.at(i));
  }
  return m;
}

Result<MatrixStack> batch_transposed(const Shape& shape) {
  KL_REQUIRE(shape.rank() >= 3, kInvalidShape, shape, " has no batch to transpose");
  Shape strides = strides_of(shape);
  MatrixStack m;
  m.rows = shape[0];
  m.row_stride = strides[0];
  m.columns = shape.back();
  for (int i = 1; i < shape.rank() - 1; ++i) {
    m.batch.push_back(shape.at(i));
    m.batch_strides.push_back(strides.at(i));
  }
  return m;
}

MatrixStack transposed(MatrixStack m) {
  std::swap(m.rows, m.columns);
  std::swap(m.row_stride, m.column_stride);
  return m;
}

Status read_activation(const OpContext& c, Activation* activation) {
  std::string_view name = c.attributes().get_string("activation");
  if (name.empty()) return {};
  Activation::Kind kind;
  KL_REQUIRE(activation_from_name(name, false, &kind), kUnsupportedFeature, "activation ", name);
  KL_REQUIRE(dtype_kind(c.dtype(0)) == 'f' && c.dtype(0) != DType::kFloat64, kUnsupportedType,
             "activation of ", c.dtype(0));
  *activation = default_activation(kind);
  activation->alpha = c.attributes().get_float("activation_alpha", activation->alpha);
  activation->beta = c.attributes().get_float("activation_beta", activation->beta);
  return {};
}

bool is_column_of(const Shape& shape, Shape whole) {
  if (whole.rank() < 2) return false;
  whole[static_cast<size_t>(whole.rank() - 1)] = 1;
  return shape == whole;
}

Result<Shape> product_batch(const MatrixStack& a, const MatrixStack& b) {
  KL_REQUIRE(a.columns == b.rows, kInvalidShape, "A has ", a.columns, " columns, B has ", b.rows, " rows");
  return broadcast(a.batch, b.batch);
}

namespace {

struct ProductParams {
  size_t m = 0, n = 0, k = 0;
  MatrixStack a, b;
  float alpha = 1, beta = 1;
  Addend addend = Addend::kNone;
  int residual = -1, of_rows = -1;
  Activation activation{};
  std::vector<MatMulItem> items;
  std::shared_ptr<Buffer> packed_a, packed_b;
  size_t addend_bytes = 0;  // room for a scaled copy of the addend in front of the kernel's scratch
};

// Offset of batch item `index` (row-major over `batch`) in a stack that broadcasts to it.
size_t item_offset(const MatrixStack& m, const Shape& batch, int64_t index) {
  int64_t offset = 0;
  for (int i = 1; i <= batch.rank(); ++i) {
    int64_t at = index % batch.at(-i);
    index /= batch.at(-i);
    if (i <= m.batch.rank() && m.batch.at(-i) != 1) offset += at * m.batch_strides.at(-i);
  }
  return static_cast<size_t>(offset);
}

// Whether all matrices of A lie one below the other, so that one B for all makes them one tall matrix.
bool is_tall(const MatrixStack& a) {
  int64_t next = a.rows * a.row_stride;
  for (int i = a.batch.rank() - 1; i >= 0; --i) {
    if (a.batch[static_cast<size_t>(i)] != 1 && a.batch_strides[static_cast<size_t>(i)] != next) return false;
    next *= a.batch[static_cast<size_t>(i)];
  }
  return true;
}

template <class T>
MatMul<T> call_of(const ProductParams& p) {
  MatMul<T> call;
  call.m = p.m;
  call.n = p.n;
  call.k = p.k;
  auto view = [](const MatrixStack& s, const std::shared_ptr<Buffer>& packed) {
    if (packed) return MatrixView<T>{reinterpret_cast<const T*>(packed->data()), 0, 1, true};
    return MatrixView<T>{nullptr, static_cast<size_t>(s.row_stride), static_cast<size_t>(s.column_stride),
                         false};
  };
  call.a = view(p.a, p.packed_a);
  call.b = view(p.b, p.packed_b);
  call.c_row = p.n;
  call.items = p.items;
  call.alpha = p.packed_a || p.packed_b ? T(1) : static_cast<T>(p.alpha);
  call.activation = p.activation;
  return call;
}

// The addend as the kernel takes it: as it is, or scaled and spread in `room`.
template <class T>
void set_addend(const ProductParams& p, const T* d, std::byte* room, MatMul<T>* call) {
  size_t count = p.addend == Addend::kFull ? p.m * p.n : p.addend == Addend::kRows ? p.m : p.n;
  if (p.addend_bytes != 0) {
    T* scaled = reinterpret_cast<T*>(room);
    T beta = static_cast<T>(p.beta);
    for (size_t i = 0; i < count; ++i) scaled[i] = beta * d[p.addend == Addend::kScalar ? 0 : i];
    d = scaled;
  }
  if (p.addend == Addend::kFull)
    call->residual = d;
  else if (p.addend == Addend::kRows)
    call->row_bias = d;
  else
    call->column_bias = d;
}

template <class T>
Status run_as(const ProductParams& p, Run& run) {
  MatMul<T> call = call_of<T>(p);
  if (!p.packed_a) call.a.data = run.in(0).data<T>();
  if (!p.packed_b) call.b.data = run.in(1).data<T>();
  call.c = run.out(0).data<T>();
  if (p.addend != Addend::kNone) set_addend(p, run.in(2).data<const T>(), run.scratch(), &call);
  if (p.residual >= 0) call.residual = run.in(p.residual).data<const T>();
  if (p.of_rows >= 0) call.row_bias = run.in(p.of_rows).data<const T>();
  matmul(call, select_matmul(call), run.scratch() + p.addend_bytes, run.parallel());
  return {};
}

// K: the element of the kernels; signed integers are computed as unsigned ones.
template <class K>
Status prepare(LowerContext& c, const ProductSpec& spec, ProductParams p) {
  KL_ASSIGN(Shape batch, product_batch(spec.a, spec.b));
  KL_ASSIGN(int64_t items, checked_count(batch));
  bool one_b = spec.b.batch.count() == 1;
  // Otherwise narrow floats, converted in each run.
  bool native = dtype_bits(c.dtype(0)) == static_cast<int>(8 * sizeof(K));
  auto format = [&](const MatrixStack& m) {
    return str("product ", p.k, "x", spec.alpha, " ", m.row_stride, " ", m.column_stride);
  };
  if (one_b && spec.a.column_stride == 1 && is_tall(spec.a)) {
    KL_ASSIGN(int64_t rows, checked_mul(spec.a.rows, items));
    p.m = static_cast<size_t>(rows);
    items = 1;
  }
  // One row times columns that lie in one piece reads each weight once, where it is.
  bool dots = std::is_same_v<K, float> && p.m == 1 && p.b.row_stride == 1 && c.form(1).empty();
  if (native && one_b && !dots && c.constant(1) != nullptr) {
    KL_ASSIGN(size_t bytes, matmul_packed_b_bytes<K>(p.k, p.n));
    MatrixView<K> view{c.constant(1)->data<K>(), static_cast<size_t>(p.b.row_stride),
                       static_cast<size_t>(p.b.column_stride), false};
    c.spent(1);
    KL_ASSIGN(p.packed_b, c.packed(1, format(p.b) + "b", bytes, [&](std::byte* to) {
      matmul_pack_b(view, p.k, p.n, static_cast<K>(p.alpha), reinterpret_cast<K*>(to));
    }));
  } else if (native && items == 1 && c.constant(0) != nullptr) {
    KL_ASSIGN(size_t bytes, matmul_packed_a_bytes<K>(p.m, p.k));
    MatrixView<K> view{c.constant(0)->data<K>(), static_cast<size_t>(p.a.row_stride),
                       static_cast<size_t>(p.a.column_stride), false};
    KL_ASSIGN(p.packed_a, c.packed(0, format(p.a) + "a", bytes, [&](std::byte* to) {
      matmul_pack_a(view, p.m, p.k, static_cast<K>(p.alpha), reinterpret_cast<K*>(to));
    }));
  }
  if (items != 1) {
    for (int64_t i = 0; i < items; ++i) {
      p.items.push_back({item_offset(spec.a, batch, i), p.packed_b ? 0 : item_offset(spec.b, batch, i),
                         static_cast<size_t>(i) * p.m * p.n,
                         p.of_rows < 0 ? 0 : static_cast<size_t>(i) * p.m});
    }
  }
  if (p.addend == Addend::kScalar || (p.addend != Addend::kNone && p.beta != 1)) {
    KL_ASSIGN(size_t count,
              p.addend == Addend::kFull ? checked_mul(p.m, p.n) : Result<size_t>(std::max(p.m, p.n)));
    KL_ASSIGN(size_t bytes, checked_mul(count, sizeof(K)));
    KL_ASSIGN(bytes, checked_add(bytes, kBufferAlignment - 1));
    p.addend_bytes = bytes & ~(kBufferAlignment - 1);
  }
  MatMul<K> call = call_of<K>(p);
  // Pointers do not matter for the choice, whether they are there does.
  static constexpr K kSomething{};
  if (p.addend == Addend::kFull || p.residual >= 0) call.residual = &kSomething;
  MatMulKernel kernel = select_matmul(call);
  KL_ASSIGN(size_t scratch, matmul_scratch_bytes(call, kernel, c.threads()));
  KL_ASSIGN(scratch, checked_add(scratch, p.addend_bytes));
  c.scratch(scratch);
  const char* name = matmul_kernel_name(kernel);
  if (c.dtype(0) == DType::kFloat16 || c.dtype(0) == DType::kBFloat16) {
    add_converted_step<run_as<K>>(c, name, c.dtype(0), DType::kFloat32, std::move(p));
  } else {
    c.step<run_as<K>>(name, std::move(p));
  }
  return {};
}

}  // namespace

Status lower_product(LowerContext& c, const ProductSpec& spec) {
  ProductParams p;
  p.m = static_cast<size_t>(spec.a.rows);
  p.n = static_cast<size_t>(spec.b.columns);
  p.k = static_cast<size_t>(spec.a.columns);
  p.a = spec.a;
  p.b = spec.b;
  p.alpha = spec.alpha;
  p.beta = spec.beta;
  p.addend = spec.addend;
  p.residual = spec.residual;
  p.of_rows = spec.of_rows;
  if (p.residual >= 0) c.in_place(0, p.residual);
  p.activation = spec.activation;
  switch (c.dtype(0)) {
    case DType::kFloat64:
      return prepare<double>(c, spec, std::move(p));
    case DType::kInt32:
    case DType::kUInt32:
      return prepare<uint32_t>(c, spec, std::move(p));
    case DType::kInt64:
    case DType::kUInt64:
      return prepare<uint64_t>(c, spec, std::move(p));
    default:
      return prepare<float>(c, spec, std::move(p));
  }
}

}  // namespace kinglet
