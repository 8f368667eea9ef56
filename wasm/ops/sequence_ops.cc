#include "ops/sequence.h"

namespace kinglet::ops {

namespace {

Status construct(EvalContext& c) {
  Sequence out;
  for (int i = 0; i < c.input_count(); ++i) {
    KL_ASSIGN(Tensor t, c.tensor(i));
    KL_REQUIRE(out.empty() || out[0].tensor()->dtype() == t.dtype(), kInvalidGraph, "input ", i, " is ",
               t.dtype(), ", input 0 is ", out[0].tensor()->dtype());
    out.emplace_back(t);
  }
  c.output(0, std::move(out));
  return {};
}

Status empty(EvalContext& c) {
  c.output(0, Sequence());
  return {};
}

Status length(EvalContext& c) {
  KL_ASSIGN(const Sequence* s, sequence_of(c, 0));
  KL_ASSIGN(Tensor count, Tensor::scalar<int64_t>(static_cast<int64_t>(s->size())));
  c.output(0, count);
  return {};
}

Status at(EvalContext& c) {
  KL_ASSIGN(const Sequence* s, sequence_of(c, 0));
  auto count = static_cast<int64_t>(s->size());
  KL_ASSIGN(int64_t position, position_of(c, 1, count, count));
  c.output(0, (*s)[static_cast<size_t>(position)]);
  return {};
}

Status insert(EvalContext& c) {
  KL_ASSIGN(const Sequence* s, sequence_of(c, 0));
  KL_ASSIGN(Tensor t, c.tensor(1));
  auto position = static_cast<int64_t>(s->size());
  if (c.has_input(2)) {
    KL_ASSIGN(position, position_of(c, 2, position, position + 1));
  }
  const Tensor* first = s->empty() ? nullptr : s->front().tensor();
  KL_REQUIRE(first == nullptr || first->dtype() == t.dtype(), kInvalidGraph, "a tensor of ", t.dtype(),
             " into a sequence of ", first->dtype());
  Sequence out = *s;
  out.insert(out.begin() + position, t);
  c.output(0, std::move(out));
  return {};
}

Status erase(EvalContext& c) {
  KL_ASSIGN(const Sequence* s, sequence_of(c, 0));
  auto count = static_cast<int64_t>(s->size()), position = count - 1;
  if (c.has_input(1)) {
    KL_ASSIGN(position, position_of(c, 1, count, count));
  }
  KL_REQUIRE(position >= 0, kIndexOutOfRange, "the sequence is empty");
  Sequence out = *s;
  out.erase(out.begin() + position);
  c.output(0, std::move(out));
  return {};
}

Status concat(EvalContext& c) {
  KL_ASSIGN(const Sequence* s, sequence_of(c, 0));
  KL_ASSIGN(Tensor out,
            concat_tensors(c, *s, c.attributes().get_int("axis"), c.attributes().get_int("new_axis") != 0));
  c.output(0, out);
  return {};
}

Status split(EvalContext& c) {
  KL_ASSIGN(Tensor t, c.tensor(0));
  KL_ASSIGN(int axis, normalize_axis(c.attributes().get_int("axis"), t.rank()));
  int64_t extent = t.shape().at(axis);
  bool drop_axis = !c.has_input(1) && c.attributes().get_int("keepdims", 1) == 0;
  std::vector<int64_t> parts;
  constexpr int64_t kMostParts = 1 << 24;
  if (!c.has_input(1)) {
    KL_REQUIRE(extent <= kMostParts, kLimitExceeded, extent, " parts");
    parts.assign(static_cast<size_t>(extent), 1);
  } else {
    KL_ASSIGN(Tensor list, c.tensor(1));
    KL_REQUIRE(list.rank() <= 1 && (list.dtype() == DType::kInt32 || list.dtype() == DType::kInt64),
               kInvalidShape, "split has shape ", list.shape());
    auto number = [&](int64_t i) {
      return list.dtype() == DType::kInt32 ? list.data<int32_t>()[i] : list.data<int64_t>()[i];
    };
    if (list.rank() == 0) {
      int64_t chunk = number(0);
      KL_REQUIRE(chunk > 0, kInvalidArgument, "split is ", chunk);
      KL_REQUIRE(extent / chunk < kMostParts, kLimitExceeded, extent / chunk, " parts");
      for (int64_t rest = extent; rest > 0; rest -= chunk) parts.push_back(std::min(rest, chunk));
    } else {
      for (int64_t i = 0; i < list.count(); ++i) parts.push_back(number(i));
    }
  }
  Sequence out;
  if (!parts.empty()) {
    KL_ASSIGN(Tensor sizes, Tensor::ints(parts));
    const Value inputs[] = {t, sizes};
    Attributes attributes;
    attributes.set("axis", int64_t{axis});
    KL_ASSIGN(out, c.apply("Split", inputs, std::move(attributes), static_cast<int>(parts.size())));
  }
  for (Value& v : out) {
    Shape shape = v.tensor()->shape();
    if (drop_axis) shape.erase(axis);
    v = v.tensor()->reshaped(shape);
  }
  c.output(0, std::move(out));
  return {};
}

// The body runs once for each element of the first sequence; further sequences are walked beside it, tensors
// are passed whole.
Status map(EvalContext& c) {
  KL_ASSIGN(const Sequence* first, sequence_of(c, 0));
  std::vector<Sequence> out(static_cast<size_t>(c.output_count()));
  for (size_t i = 0; i < first->size(); ++i) {
    std::vector<Value> inputs, results;
    for (int k = 0; k < c.input_count(); ++k) {
      const Sequence* s = c.input(k).sequence();
      KL_REQUIRE(s == nullptr || s->size() == first->size(), kInvalidShape, "input ", k, " has ",
                 s ? s->size() : 0, " elements, input 0 has ", first->size());
      inputs.push_back(s ? (*s)[i] : c.input(k));
    }
    if (c.cancelled()) return fail(Code::kCancelled, "in element ", i);
    KL_TRY(c.call(0, inputs, &results));
    KL_REQUIRE(results.size() >= out.size(), kInvalidGraph, "the body has ", results.size(), " outputs");
    for (size_t k = 0; k < out.size(); ++k) out[k].push_back(std::move(results[k]));
  }
  for (int k = 0; k < c.output_count(); ++k) c.output(k, std::move(out[static_cast<size_t>(k)]));
  return {};
}

}  // namespace

std::span<const OpDef> sequence_ops() {
  static constexpr OpDef kDefs[] = {
      {.domain = kOnnx,
       .name = "SequenceConstruct",
       .signature = "inputs:T* -> output_sequence:any | T=all",
       .eval = construct},
      {.domain = kOnnx, .name = "SequenceEmpty", .signature = "-> output:any | | dtype:i=1", .eval = empty},
      {.domain = kOnnx,
       .name = "SequenceLength",
       .signature = "input_sequence:any -> length:int64",
       .eval = length},
      {.domain = kOnnx,
       .name = "SequenceAt",
       .signature = "input_sequence:any position:int32,int64 -> tensor:any",
       .eval = at},
      {.domain = kOnnx,
       .name = "SequenceInsert",
       .signature = "input_sequence:any tensor:T position:int32,int64? -> output_sequence:any | T=all",
       .eval = insert},
      {.domain = kOnnx,
       .name = "SequenceErase",
       .signature = "input_sequence:any position:int32,int64? -> output_sequence:any",
       .eval = erase},
      {.domain = kOnnx,
       .name = "ConcatFromSequence",
       .signature = "input_sequence:any -> concat_result:any | | axis:i! new_axis:i=0",
       .eval = concat},
      {.domain = kOnnx,
       .name = "SplitToSequence",
       .signature = "input:T split:int32,int64? -> output_sequence:any | T=all | axis:i=0 keepdims:i=1",
       .eval = split},
      {.domain = kOnnx,
       .name = "SequenceMap",
       .signature = "input_sequence:any additional_inputs:any# -> out_sequence:any# | | body:g!",
       .eval = map},
  };
  return kDefs;
}

}  // namespace kinglet::ops
