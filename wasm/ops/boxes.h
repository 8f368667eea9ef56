#pragma once
// Steps that copy boxes of elements.
#include "kernels/copy/copy.h"
#include "ops/converted.h"
#include "ops/element.h"

namespace kinglet {

// Output 0 is box by box taken from input 0.
struct BoxStep {
  kernels::Box box;
};

inline Status run_box(const BoxStep& p, Run& run) {
  const Tensor& out = run.out(0);
  int bytes = element_bytes(out.dtype());
  if (run.in(0).data() + p.box.source_offset * bytes == out.data()) return {};
  kernels::copy_box(p.box, bytes, run.in(0).data(), out.data(), run.parallel());
  return {};
}

// Output 0 is `box` of input 0; an alias when that is the whole input in order, a piece of it when it is some
// of its elements in order.
inline void add_box_step(LowerContext& c, const char* kernel, kernels::Box box) {
  collapse(&box);
  bool in_order =
      box.dims.empty() || (box.dims.size() == 1 && box.dims[0].source == 1 && box.dims[0].target == 1);
  auto offset = static_cast<size_t>(box.source_offset);
  if (in_order && offset == 0 && c.shape(0).count() == c.out_shape(0).count()) return c.alias(0, 0);
  if (in_order && !is_sub_byte(c.dtype(0)))
    c.piece({0, 0, offset * static_cast<size_t>(element_bytes(c.dtype(0))), false});
  add_move_step<run_box>(c, kernel, c.dtype(0), BoxStep{std::move(box)});
}

}  // namespace kinglet
