#include "plan/scope.h"

#include <cstring>

#include "ops/op.h"

namespace kinglet {

namespace {

// Constants of more bytes count as changed when they were computed again.
constexpr size_t kComparedBytes = 1 << 12;

bool same_constant(const Tensor& a, const Tensor& b) {
  if (a.data() == b.data()) return a.buffer() == b.buffer();
  return a.data() != nullptr && b.data() != nullptr && a.dtype() != DType::kString &&
         a.bytes() <= kComparedBytes && std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

// Whether a node cannot tell them apart when it is planned.
bool same_when_planned(const Slot& a, const Slot& b) {
  auto kind = [](const Slot& s) {
    return std::pair(s.storage == Storage::kRun, s.storage == Storage::kConstant);
  };
  return a.dtype == b.dtype && kind(a) == kind(b) && a.shape == b.shape &&
         (a.storage != Storage::kConstant || same_constant(a.constant, b.constant));
}

}  // namespace

Scope::Scope(Graph& g, const Plan* plan)
    : graph(&g), made(std::make_shared<Trace>()), like(plan), same(g.edge_count()) {
  made->graph = graph;
  made->slots.resize(g.edge_count(), -1);
  made->works.resize(g.node_count());
  if (like == nullptr) return;
  for (const auto& trace : like->traces) {
    if (trace->graph == graph) before = trace.get();
  }
}

void Scope::compare(ValueId v, const Slot* now) {
  if (before == nullptr || v == kNoValue) return;
  auto at = static_cast<size_t>(v);
  int32_t old = before->slots[at];
  same[at] = now != nullptr && old >= 0 && same_when_planned(*now, like->slots[static_cast<size_t>(old)]);
}

bool Scope::repeats(NodeId id, std::vector<Found>* outputs) const {
  const Node& node = graph->node(id);
  if (before == nullptr || !node.def->deterministic || !node.subgraphs.empty()) return false;
  for (ValueId v : node.inputs) {
    if (v != kNoValue && !same[static_cast<size_t>(v)] && !graph->edge(v).is_constant()) return false;
  }
  bool lowered = work_before(id) != nullptr;
  outputs->clear();
  for (ValueId v : node.outputs) {
    Found& found = outputs->emplace_back();
    if (v == kNoValue) continue;
    int32_t old = before->slots[static_cast<size_t>(v)];
    if (old < 0) return false;
    const Slot& s = like->slots[static_cast<size_t>(old)];
    bool known = s.storage == Storage::kConstant;
    if (!lowered && !known) return false;
    found = {s.dtype, s.storage != Storage::kRun, &s.shape, known ? &s.constant : nullptr};
  }
  return true;
}

}  // namespace kinglet
