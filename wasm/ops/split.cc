#include "ops/boxes.h"

namespace kinglet::ops {

namespace {

struct Params {
  int axis;
  std::vector<int64_t> extents;
  std::vector<bool> wanted;
};

Status run(const Params& p, Run& run) {
  const Tensor& in = run.in(0);
  int bytes = element_bytes(in.dtype());
  int64_t outer = in.shape().count(0, p.axis), row = in.shape().count(p.axis), at = 0;
  int64_t inner = in.shape().count(p.axis + 1);
  for (size_t i = 0; i < p.extents.size(); ++i) {
    int64_t part = p.extents[i] * inner;
    std::byte* to = p.wanted[i] ? run.out(static_cast<int>(i)).data() : nullptr;
    if (p.wanted[i] && to != in.data() + at * bytes) {
      kernels::Box box;
      box.add(outer, row, part);
      box.add(part, 1, 1);
      box.source_offset = at;
      collapse(&box);
      kernels::copy_box(box, bytes, in.data(), to, run.parallel());
    }
    at += part;
  }
  return {};
}

Status infer(InferContext& c) {
  Shape out = c.shape(0);
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis"), out.rank()));
  auto at = static_cast<size_t>(axis);
  int64_t extent = out[at], parts = c.output_count();
  KL_REQUIRE(parts > 0, kInvalidGraph, "there are no outputs");
  const Tensor* list = nullptr;
  if (c.has_input(1)) {
    list = c.constant(1);
    if (list == nullptr) return c.later();
    KL_REQUIRE(!c.attributes().has("num_outputs"), kInvalidGraph,
               "input split and num_outputs exclude each other");
    KL_REQUIRE(list->rank() == 1 && list->count() == parts, kInvalidShape, "split has shape ", list->shape(),
               " for ", parts, " outputs");
  } else {
    int64_t declared = c.attributes().get_int("num_outputs", parts);
    KL_REQUIRE(declared == parts, kInvalidGraph, "num_outputs is ", declared, ", there are ", parts,
               " outputs");
  }
  int64_t rest = extent, chunk = ceil_div(extent, parts);
  for (int i = 0; i < parts; ++i) {
    int64_t part = list ? list->data<int64_t>()[i] : std::min(chunk, rest);
    KL_REQUIRE(part >= 0 && part <= rest, kInvalidShape, "split does not fit extent ", extent, " of axis ",
               axis);
    rest -= part;
    out[at] = part;
    c.output(i, c.dtype(0), out);
  }
  KL_REQUIRE(rest == 0, kInvalidShape, "split leaves ", rest, " of extent ", extent, " of axis ", axis);
  return {};
}

Status lower(LowerContext& c) {
  if (c.output_count() == 1) {
    c.alias(0, 0);
    return {};
  }
  Params p;
  KL_ASSIGN(p.axis, normalize_axis(c.attributes().get_int("axis"), c.rank(0)));
  bool whole = !is_sub_byte(c.dtype(0)) && c.shape(0).count(0, p.axis) == 1;
  int64_t at = 0;
  for (int i = 0; i < c.output_count(); ++i) {
    p.extents.push_back(c.out_shape(i).at(p.axis));
    p.wanted.push_back(c.has_output(i));
    if (whole) c.piece({i, 0, static_cast<size_t>(at * element_bytes(c.dtype(0))), false});
    at += c.out_shape(i).count();
  }
  add_move_step<run>(c, "copy/split", c.dtype(0), std::move(p));
  return {};
}

}  // namespace

extern const OpDef split{.domain = kOnnx,
                         .name = "Split",
                         .signature = "input:T split:int64? -> outputs:T* | T=all | axis:i=0 num_outputs:i",
                         .infer = infer,
                         .lower = lower};

}  // namespace kinglet::ops
