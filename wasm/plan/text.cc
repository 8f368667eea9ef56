#include <set>

#include "plan/plan.h"

namespace kinglet {

namespace {
void append_slot(std::string& out, const Plan& plan, int32_t index) {
  if (index < 0) return out.push_back('-');
  const Slot& slot = plan.slots[static_cast<size_t>(index)];
  const Slot& root = slot.alias_of >= 0 ? plan.slots[static_cast<size_t>(slot.alias_of)] : slot;
  out += str("%", slot.edge->name, " ", slot.dtype);
  if (slot.storage != Storage::kRun) append(out, slot.shape);
  switch (slot.storage) {
    case Storage::kArena:
      out += str("@", root.offset + slot.within);
      break;
    case Storage::kConstant:
      out += " constant";
      break;
    case Storage::kInput:
      out += " input";
      break;
    case Storage::kOutput:
      out += " output";
      break;
    case Storage::kRun:
      out += " at run time";
      break;
  }
  if (slot.alias_of >= 0) out += str(" = %", root.edge->name);
}

void append_slots(std::string& out, const Plan& plan, const std::vector<int32_t>& slots) {
  const char* separator = "";
  for (int32_t s : slots) {
    out += separator;
    separator = ", ";
    append_slot(out, plan, s);
  }
}
}  // namespace

std::string plan_text(const Plan& plan) {
  std::string out;
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    out += str(i, ": ", step.late() ? "late" : step.work->kernel, " <", step.node->op, " ", step.node->name,
               "> ");
    append_slots(out, plan, step.inputs);
    out += " -> ";
    append_slots(out, plan, step.outputs);
    if (step.work->scratch_bytes != 0)
      out += str(", scratch ", step.work->scratch_bytes, "@", step.scratch_offset);
    out += "\n";
  }
  size_t late = 0, constant_bytes = 0;
  for (const Step& s : plan.steps) late += s.late();
  std::set<const std::byte*> seen;
  for (const Slot& s : plan.slots) {
    if (s.storage == Storage::kConstant && seen.insert(s.constant.data()).second)
      constant_bytes += s.constant.bytes();
  }
  out += str("steps ", plan.steps.size(), ", late ", late, ", arena bytes ", plan.arena_bytes,
             ", constant bytes ", constant_bytes, "\n");
  return out;
}

}  // namespace kinglet
