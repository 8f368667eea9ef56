#pragma once
// Graphs as text, to be read by people and to be compared and written in tests.
//
//   graph resnet {
//     input x: float32[N,3,224,224]
//     const w: float32[2] = [1.0, 2.5]
//     const k: float32[64,3,7,7] = #5c1a90f2e6b13a07
//     a = Conv(x, k, _) {pads=[3, 3, 3, 3], auto_pad="NOTSET"}
//     y, _, z = com.microsoft.Thing(a) {value=float32[2]=[1.0, 2.0], type=<seq(int64)>}
//     r = If(c) then_branch(x) {
//       input x: float32
//       ...
//     } else_branch() { ... }
//     output y: float32[N,1000]
//   }
//
// `_` is an input that is absent or an output that is not wanted. The values in brackets behind a body's name
// are its captures. Names of other characters than A-Z a-z 0-9 _ . / : - ~ are in quotes.
#include <memory>
#include <string>
#include <string_view>

#include "graph/graph.h"

namespace kinglet {

struct TextOptions {
  // Types of values that nodes compute, where they are known.
  bool types = false;
  // Names of nodes, as `@name` behind them.
  bool names = false;
  // Constants of more elements are shown by a hash of their bytes. Such text cannot be parsed.
  int64_t inline_elements = 16;
};

std::string to_text(const Graph& graph, const TextOptions& options = {});

// Reads what `to_text` wrote. In place of a list of elements a constant may say `zeros`, `ones` or `ramp` (0,
// 1, 2,
// ...). Failures are kInvalidArgument and tell the line.
Result<std::unique_ptr<Graph>> parse_graph(std::string_view text);

}  // namespace kinglet
