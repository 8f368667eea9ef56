#include "ops/einsum.h"

#include "kernels/cast/cast.h"
#include "kernels/matmul/matmul.h"
#include "ops/context.h"

namespace kinglet::ops {

namespace {

struct Params {
  EinsumPlan plan;
  DType stored, computed;
  std::vector<int64_t> counts;  // elements of the inputs, then of the output
  // Offsets in scratch, in bytes: stages' room, converted values, batch items and the products' own.
  size_t converted, items, product;
};

// Narrow floats compute in float32, short integers in 32 bits; both wrap and round on the way back.
DType computed_in(DType dtype) {
  if (dtype_bits(dtype) >= 32) return dtype;
  return dtype_kind(dtype) == 'f' ? DType::kFloat32 : DType::kInt32;
}

template <class T>
MatMul<T> product_of(const EinsumStage& s) {
  MatMul<T> call;
  call.m = static_cast<size_t>(s.m), call.n = static_cast<size_t>(s.n), call.k = static_cast<size_t>(s.k);
  call.a = {nullptr, static_cast<size_t>(s.a_row), static_cast<size_t>(s.a_column)};
  call.b = {nullptr, static_cast<size_t>(s.b_row), static_cast<size_t>(s.b_column)};
  call.c_row = static_cast<size_t>(s.c_row);
  return call;
}

int64_t batch_of(const EinsumStage& s) {
  int64_t count = 1;
  for (const ContractAxis& x : s.kept) count *= x.extent;
  return count;
}

template <class T>
void multiply(const EinsumStage& s, const T* a, const T* b, T* c, std::byte* items_at, std::byte* scratch,
              Run& run) {
  auto* items = reinterpret_cast<MatMulItem*>(items_at);
  auto count = static_cast<size_t>(batch_of(s));
  for (size_t i = 0; i < count; ++i) {
    auto rest = static_cast<int64_t>(i);
    MatMulItem item;
    for (size_t d = s.kept.size(); d-- > 0;) {
      auto index = rest % s.kept[d].extent;
      rest /= s.kept[d].extent;
      item.a += static_cast<size_t>(index * s.kept[d].a);
      item.b += static_cast<size_t>(index * s.kept[d].b);
      item.c += static_cast<size_t>(index * s.kept[d].c);
    }
    items[i] = item;
  }
  MatMul<T> call = product_of<T>(s);
  call.a.data = a;
  call.b.data = b;
  call.c = c;
  call.items = {items, count};
  matmul(call, select_matmul(call), scratch, run.parallel());
}

template <class T>
Status run_as(const Params& p, Run& run) {
  std::byte* scratch = run.scratch();
  bool convert = p.stored != p.computed;
  std::vector<T*> inputs;
  auto* converted = reinterpret_cast<T*>(scratch + p.converted);
  for (int i = 0; i < run.in_count(); ++i) {
    int64_t count = p.counts[static_cast<size_t>(i)];
    inputs.push_back(convert ? converted : run.in(i).data<T>());
    if (!convert) continue;
    cast_numbers(p.stored, run.in(i).data(), p.computed, reinterpret_cast<std::byte*>(converted), count,
                 false, run.parallel());
    converted += count;
  }
  T* out = convert ? converted : run.out(0).data<T>();
  auto place = [&](const EinsumView& v) {
    if (v.place == EinsumView::Place::kInput) return inputs[v.at];
    return v.place == EinsumView::Place::kOutput ? out : reinterpret_cast<T*>(scratch) + v.at;
  };
  for (const EinsumStage& s : p.plan.stages) {
    if (run.cancelled()) return {};
    const T *a = place(s.a), *b = s.binary ? place(s.b) : nullptr;
    if (s.product)
      multiply(s, a, b, place(s.c), scratch + p.items, scratch + p.product, run);
    else
      contract(std::span(s.kept), std::span(s.summed), a, b, place(s.c), run.parallel());
  }
  if (convert)
    cast_numbers(p.computed, reinterpret_cast<std::byte*>(out), p.stored, run.out(0).data(), p.counts.back(),
                 false, run.parallel());
  return {};
}

Status run(const Params& p, Run& run) {
  const Tensor& out = run.out(0);
  if (out.count() == 0) return {};
  // A sum over nothing.
  if (p.plan.stages.empty()) {
    std::fill_n(out.data(), out.bytes(), std::byte{0});
    return {};
  }
  switch (p.computed) {
    case DType::kFloat32:
      return run_as<float>(p, run);
    case DType::kFloat64:
      return run_as<double>(p, run);
    case DType::kInt32:
    case DType::kUInt32:
      return run_as<uint32_t>(p, run);
    default:
      return run_as<uint64_t>(p, run);
  }
}

Result<EinsumEquation> equation_of(const OpContext& c, std::vector<Shape>* shapes) {
  for (int i = 0; i < c.input_count(); ++i) {
    KL_REQUIRE(c.has_input(i), kInvalidGraph, "input ", i, " is missing");
    shapes->push_back(c.shape(i));
  }
  return parse_einsum(c.attributes().get_string("equation"), *shapes);
}

Status infer(InferContext& c) {
  std::vector<Shape> shapes;
  KL_ASSIGN(EinsumEquation e, equation_of(c, &shapes));
  Shape out;
  for (int label : e.output) out.push_back(e.extents[static_cast<size_t>(label)]);
  c.output(0, c.dtype(0), out);
  return {};
}

template <class T>
Status measure(const EinsumStage& s, int threads, size_t* bytes) {
  MatMul<T> call = product_of<T>(s);
  KL_ASSIGN(size_t needed, matmul_scratch_bytes(call, select_matmul(call), threads));
  *bytes = std::max(*bytes, needed);
  return {};
}

Status lower(LowerContext& c) {
  std::vector<Shape> shapes;
  KL_ASSIGN(EinsumEquation e, equation_of(c, &shapes));
  Params p;
  p.stored = c.dtype(0);
  p.computed = computed_in(p.stored);
  bool nothing = std::ranges::find(e.extents, 0) != e.extents.end();
  if (!nothing) {
    KL_ASSIGN(p.plan, plan_einsum(e, shapes, c.out_shape(0)));
  }
  int64_t element = dtype_bits(p.computed) / 8, items = 0, elements = 0;
  for (const Shape& s : shapes) p.counts.push_back(s.count());
  p.counts.push_back(c.out_shape(0).count());
  if (p.stored != p.computed) {
    for (int64_t n : p.counts) elements += n;
  }
  size_t product = 0;
  for (const EinsumStage& s : p.plan.stages) {
    if (!s.product) continue;
    items = std::max(items, batch_of(s));
    switch (p.computed) {
      case DType::kFloat32:
        KL_TRY(measure<float>(s, c.threads(), &product));
        break;
      case DType::kFloat64:
        KL_TRY(measure<double>(s, c.threads(), &product));
        break;
      case DType::kInt32:
      case DType::kUInt32:
        KL_TRY(measure<uint32_t>(s, c.threads(), &product));
        break;
      default:
        KL_TRY(measure<uint64_t>(s, c.threads(), &product));
    }
  }
  size_t total = 0;
  auto place = [&](int64_t count, int64_t size) -> Result<size_t> {
    size_t at = total;
    KL_ASSIGN(int64_t bytes, checked_mul(count, size));
    KL_ASSIGN(bytes, checked_add(bytes, int64_t{kBufferAlignment - 1}));
    KL_ASSIGN(auto narrow,
              checked_narrow<size_t>(bytes / int64_t{kBufferAlignment} * int64_t{kBufferAlignment}));
    KL_ASSIGN(total, checked_add(total, narrow));
    return at;
  };
  KL_TRY(std::move(place(p.plan.scratch, element).status()));
  KL_ASSIGN(p.converted, place(elements, element));
  KL_ASSIGN(p.items, place(items, sizeof(MatMulItem)));
  p.product = total;
  KL_ASSIGN(total, checked_add(total, product));
  c.scratch(total);
  c.step<run>("einsum", std::move(p));
  return {};
}

}  // namespace

extern const OpDef einsum{.domain = kOnnx,
                          .name = "Einsum",
                          .signature = "Inputs:T* -> Output:T | T=numeric | equation:s!",
                          .infer = infer,
                          .lower = lower};

}  // namespace kinglet::ops
