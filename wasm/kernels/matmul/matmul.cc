// The list of kernels: selection and dispatch.
#include "kernels/matmul/matmul.h"

#include "base/checked.h"
#include "kernels/matmul/column.h"
#include "kernels/matmul/driver.h"

namespace kinglet {

namespace {

using namespace matmul_internal;

enum class Form : uint8_t { kDot, kColumn, kTiles };

template <Form F, class T, int Rows>
void run_kernel(const MatMul<T>& call, void* scratch, Parallel& pool) {
  if constexpr (F == Form::kTiles) {
    run_tiles<T, Rows>(call, scratch, pool);
  } else if constexpr (F == Form::kDot) {
    run_dot(call, scratch, pool);
  } else {
    run_column(call, scratch, pool);
  }
}

struct Row {
  const char* name;
  Form form;
  size_t rows;
};
constexpr Row kRows[] = {
#define MATMUL(name, element, form, rows) {#name, Form::form, rows},
#include "kernels/matmul/matmul.inc"
#undef MATMUL
};

template <class T>
bool accepts(Form form, size_t rows, bool last, const MatMul<T>& call) {
  bool plain_b = !call.b.packed && !call.pack;
  switch (form) {
    case Form::kDot:
      return call.k > 0 && plain_b && !call.a.packed &&
             ((call.n == 1 && call.a.column == 1) || (call.m == 1 && call.b.row == 1));
    case Form::kColumn:
      return call.k > 0 && (call.n == 1 ? call.a.packed : call.m == 1 && call.b.packed && !call.a.packed);
    case Form::kTiles:
      return last || call.m <= rows;
  }
  return false;
}

}  // namespace

const char* matmul_kernel_name(MatMulKernel kernel) { return kRows[static_cast<size_t>(kernel)].name; }

template <class T>
bool matmul_accepts(const MatMul<T>& call, MatMulKernel kernel) {
  // A packed operand has strips of up to kStripRows rows: a lower tile reads it only when it has no more
  // rows.
  const Row& row = kRows[static_cast<size_t>(kernel)];
  bool same_type = false;
#define MATMUL(name, element, form, rows) \
  if (kernel == MatMulKernel::k_##name) same_type = std::is_same_v<element, T>;
#include "kernels/matmul/matmul.inc"
#undef MATMUL
  return same_type && accepts(row.form, row.rows, row.rows == kStripRows<T>, call);
}

template <class T>
MatMulKernel select_matmul(const MatMul<T>& call) {
  for (size_t i = 0; i < static_cast<size_t>(MatMulKernel::kCount); ++i)
    if (matmul_accepts(call, static_cast<MatMulKernel>(i))) return static_cast<MatMulKernel>(i);
  return MatMulKernel::kCount;
}

template <class T>
bool matmul_reads_in_place(const MatMul<T>& call) {
  const Row& row = kRows[static_cast<size_t>(select_matmul(call))];
  return row.form == Form::kTiles && !cut(call, row.rows, 1).pack_b;
}

template <class T>
Result<size_t> matmul_scratch_bytes(const MatMul<T>& call, MatMulKernel kernel, int threads) {
  const Row& row = kRows[static_cast<size_t>(kernel)];
  size_t elements = 0;
  if (row.form == Form::kTiles) {
    KL_ASSIGN(elements, slot_elements(call, cut(call, row.rows, threads)));
  } else if (row.form == Form::kDot) {
    elements = call.k;
  } else if (call.pack) {
    KL_ASSIGN(elements, checked_mul(call.k, kPanelWidth<T>));
  }
  KL_ASSIGN(size_t bytes, checked_mul(elements, sizeof(T)));
  return checked_mul(bytes, static_cast<size_t>(threads));
}

template <class T>
void matmul(const MatMul<T>& call, MatMulKernel kernel, void* scratch, Parallel& pool) {
  if (call.m == 0 || call.n == 0) return;
  switch (kernel) {
#define MATMUL(name, element, form, rows)                                \
  case MatMulKernel::k_##name:                                           \
    if constexpr (std::is_same_v<element, T>)                            \
      return run_kernel<Form::form, element, rows>(call, scratch, pool); \
    break;
#include "kernels/matmul/matmul.inc"
#undef MATMUL
    case MatMulKernel::kCount:
      break;
  }
}

#define KL_INSTANTIATE(T)                                                            \
  template bool matmul_accepts(const MatMul<T>&, MatMulKernel);                      \
  template MatMulKernel select_matmul(const MatMul<T>&);                             \
  template Result<size_t> matmul_scratch_bytes(const MatMul<T>&, MatMulKernel, int); \
  template void matmul(const MatMul<T>&, MatMulKernel, void*, Parallel&);
KL_INSTANTIATE(float)
KL_INSTANTIATE(double)
KL_INSTANTIATE(uint32_t)
KL_INSTANTIATE(uint64_t)
#undef KL_INSTANTIATE
template bool matmul_reads_in_place(const MatMul<float>&);

}  // namespace kinglet
