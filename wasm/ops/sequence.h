#pragma once
// What operators on sequences and loops share.
#include "ops/context.h"

namespace kinglet {

// The sequence behind input i, or a failure that names what was there instead.
Result<const Sequence*> sequence_of(const EvalContext& c, int i);
// The value of input i, one int32 or int64, as a position in [0, limit); negative ones count from the end of
// `count`. limit is count, or count + 1 where the end itself is allowed.
Result<int64_t> position_of(const EvalContext& c, int i, int64_t count, int64_t limit);
// Tensors behind each other along `axis`; `new_axis`: along a new one.
Result<Tensor> concat_tensors(EvalContext& c, std::span<const Value> tensors, int64_t axis, bool new_axis);
// Entry i of the first axis, without that axis; a view where the element type allows it.
Result<Tensor> entry_of(EvalContext& c, const Tensor& tensor, int64_t i);

// What a body gave for its output `output` in each iteration, along a new first axis. Without iterations an
// empty tensor of the declared type, unknown extents being 0.
Result<Tensor> stack_results(EvalContext& c, size_t output, std::span<const Value> results);

}  // namespace kinglet
