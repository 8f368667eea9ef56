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
  kernels::copy_box(p.box, element_bytes(out.dtype()), run.in(0).data(), out.data(), run.parallel());
  return {};
}

// Output 0 is `box` of input 0; an alias when that is the whole input in order.
inline void add_box_step(LowerContext& c, const char* kernel, kernels::Box box) {
  collapse(&box);
  bool whole =
      c.shape(0).count() == c.out_shape(0).count() && box.source_offset == 0 &&
      (box.dims.empty() || (box.dims.size() == 1 && box.dims[0].source == 1 && box.dims[0].target == 1));
  if (whole)
    c.alias(0, 0);
  else
    add_move_step<run_box>(c, kernel, c.dtype(0), BoxStep{std::move(box)});
}

}  // namespace kinglet
