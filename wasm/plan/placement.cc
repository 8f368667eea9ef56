#include "plan/placement.h"

#include <algorithm>
#include <limits>

#include "plan/memory.h"

namespace kinglet {

namespace {

class Placement {
 public:
  explicit Placement(Plan* plan) : plan_(*plan) {}

  Status run() {
    place_ends();
    share_in_place();
    KL_TRY(place_arena());
    KL_TRY(place_pieces());
    release_late_values();
    return {};
  }

 private:
  Slot& slot(int32_t i) { return plan_.slots[static_cast<size_t>(i)]; }
  int32_t root(int32_t i) { return slot(i).alias_of >= 0 ? slot(i).alias_of : i; }

  // What is less than a byte wide has unused bits that are seen outside, and must not show old memory.
  bool may_lie_in_arena(const Slot& s) {
    return plan_.whole && s.dtype != DType::kString && !is_sub_byte(s.dtype);
  }

  void place_ends() {
    for (int32_t i : plan_.inputs) {
      if (slot(i).storage == Storage::kInput && may_lie_in_arena(slot(i))) slot(i).storage = Storage::kArena;
    }
    for (int32_t i : plan_.outputs) {
      if (i < 0 || slot(root(i)).storage != Storage::kArena) continue;
      if (!may_lie_in_arena(slot(root(i)))) slot(root(i)).storage = Storage::kOutput;
    }
    follow_roots();
  }
  void follow_roots() {
    for (Slot& s : plan_.slots) {
      if (s.alias_of >= 0) s.storage = slot(s.alias_of).storage;
    }
  }

  // First and last step at which each root is in use.
  void lifetimes(std::vector<Lifetime>* out) {
    out->assign(plan_.slots.size(), Lifetime{INT32_MAX, -1, 0, 0});
    for (size_t n = 0; n < plan_.steps.size(); ++n) {
      auto touch = [&](int32_t i) {
        if (i < 0) return;
        Lifetime& l = (*out)[static_cast<size_t>(root(i))];
        l.first = std::min(l.first, static_cast<int>(n));
        l.last = std::max(l.last, static_cast<int>(n));
      };
      const Step& step = plan_.steps[n];
      std::ranges::for_each(step.inputs, touch);
      std::ranges::for_each(step.outputs, touch);
      for (const auto& captures : step.captures) std::ranges::for_each(captures, touch);
    }
    // Inputs are there before the first step, outputs are read after the last.
    auto reach = [&](int32_t i, int step) {
      if (i < 0 || slot(root(i)).storage != Storage::kArena) return;
      Lifetime& l = (*out)[static_cast<size_t>(root(i))];
      l.first = std::min(l.first, step);
      l.last = std::max(l.last, step);
    };
    for (int32_t i : plan_.inputs) reach(i, 0);
    for (int32_t i : plan_.outputs) reach(i, static_cast<int>(plan_.steps.size()));
  }

  // Lets results take over the storage of an input that is read for the last time.
  void share_in_place() {
    std::vector<Lifetime> live;
    lifetimes(&live);
    for (size_t n = 0; n < plan_.steps.size(); ++n) {
      const Step& step = plan_.steps[n];
      for (auto [out, in] : step.work.in_place) {
        int32_t to = step.outputs[static_cast<size_t>(out)], from = step.inputs[static_cast<size_t>(in)];
        if (to < 0 || from < 0) continue;
        from = root(from);
        if (slot(to).alias_of >= 0 || slot(from).storage != Storage::kArena ||
            live[static_cast<size_t>(from)].last != static_cast<int>(n))
          continue;
        if (slot(to).storage != Storage::kArena && slot(to).storage != Storage::kOutput) continue;
        if (is_input(from) && slot(to).storage == Storage::kOutput) continue;
        if (bytes_of(to) != bytes_of(from)) continue;
        live[static_cast<size_t>(from)].last = live[static_cast<size_t>(to)].last;
        slot(from).storage = slot(to).storage;
        for (size_t i = 0; i < plan_.slots.size(); ++i) {
          if (plan_.slots[i].alias_of == to) plan_.slots[i].alias_of = from;
        }
        slot(to).alias_of = from;
        break;
      }
    }
    follow_roots();
  }

  bool is_input(int32_t i) { return std::ranges::find(plan_.inputs, i) != plan_.inputs.end(); }

  size_t bytes_of(int32_t i) {
    // Checked by infer for every known shape.
    auto bytes = checked_bytes(slot(i).dtype, slot(i).shape.count());
    return bytes.ok() ? *bytes : 0;
  }

  Status place_arena() {
    std::vector<Lifetime> live;
    lifetimes(&live);
    std::vector<Lifetime> blocks;
    std::vector<int32_t> owners;
    for (size_t i = 0; i < plan_.slots.size(); ++i) {
      auto s = static_cast<int32_t>(i);
      if (slot(s).storage != Storage::kArena || slot(s).alias_of >= 0 || live[i].last < 0) continue;
      blocks.push_back({live[i].first, live[i].last, bytes_of(s), 0});
      owners.push_back(s);
    }
    for (size_t n = 0; n < plan_.steps.size(); ++n) {
      if (plan_.steps[n].work.scratch_bytes == 0) continue;
      blocks.push_back({static_cast<int>(n), static_cast<int>(n), plan_.steps[n].work.scratch_bytes, 0});
      owners.push_back(-1 - static_cast<int32_t>(n));
    }
    KL_ASSIGN(plan_.arena_bytes, assign_offsets(blocks));
    for (size_t i = 0; i < blocks.size(); ++i) {
      if (owners[i] >= 0)
        slot(owners[i]).offset = blocks[i].offset;
      else
        plan_.steps[static_cast<size_t>(-1 - owners[i])].scratch_offset = blocks[i].offset;
    }
    return {};
  }

  // Lets pieces lie in their wholes where that takes no larger arena: a whole lives as long as its pieces.
  Status place_pieces() {
    const std::vector<Slot> apart = plan_.slots;
    const size_t most = plan_.arena_bytes;
    bool moved = false;  // scratch too
    for (size_t load : {std::numeric_limits<size_t>::max(), most}) {
      if (!merge_pieces(load)) break;
      follow_roots();
      KL_TRY(place_arena());
      if (plan_.arena_bytes <= most) return {};
      plan_.slots = apart;
      moved = true;
    }
    return moved ? place_arena() : Status{};
  }

  // Merges each piece with which no step has more than so many bytes in use; says whether there was one.
  bool merge_pieces(size_t most) {
    std::vector<Lifetime> live;
    lifetimes(&live);
    std::vector<size_t> load(plan_.steps.size() + 1);
    for (size_t n = 0; n < plan_.steps.size(); ++n) load[n] = plan_.steps[n].work.scratch_bytes;
    for (size_t i = 0; i < plan_.slots.size(); ++i) {
      // Results are read behind the last step.
      if (plan_.slots[i].storage == Storage::kOutput) live[i].last = static_cast<int>(plan_.steps.size());
      live[i].bytes = plan_.slots[i].storage == Storage::kArena ? bytes_of(static_cast<int32_t>(i)) : 0;
      for (int n = live[i].first; n <= live[i].last; ++n) load[static_cast<size_t>(n)] += live[i].bytes;
    }
    bool any = false;
    for (size_t n = 0; n < plan_.steps.size(); ++n) {
      const Step& step = plan_.steps[n];
      for (const StepPlan::Piece& piece : step.work.pieces) {
        int32_t part = step.inputs[static_cast<size_t>(piece.input)];
        int32_t whole = step.outputs[static_cast<size_t>(piece.output)];
        if (!piece.of_output) std::swap(part, whole);
        if (part < 0 || whole < 0 || !mergeable(live, part, whole, static_cast<int>(n))) continue;
        any |= merge(live, load, most, root(part), whole, piece.offset);
      }
    }
    return any;
  }

  // Whether `part`, equal to a piece of `whole` behind step n, can share its storage.
  bool mergeable(const std::vector<Lifetime>& live, int32_t part, int32_t whole, int n) {
    int32_t from = root(part), to = root(whole);
    if (from == to || slot(from).storage != Storage::kArena || bytes_of(from) != bytes_of(part)) return false;
    if (slot(to).storage != Storage::kArena && slot(to).storage != Storage::kOutput) return false;
    // Neither changes while the other is still read.
    int last = std::min(live[static_cast<size_t>(from)].last, live[static_cast<size_t>(to)].last);
    for (int m = n + 1; m <= last && m < static_cast<int>(plan_.steps.size()); ++m) {
      for (int32_t out : plan_.steps[static_cast<size_t>(m)].outputs) {
        if (out >= 0 && (root(out) == from || root(out) == to)) return false;
      }
    }
    return true;
  }

  bool merge(std::vector<Lifetime>& live, std::vector<size_t>& load, size_t most, int32_t from, int32_t whole,
             size_t offset) {
    int32_t to = root(whole);
    const Lifetime& part = live[static_cast<size_t>(from)];
    Lifetime& old = live[static_cast<size_t>(to)];
    Lifetime l = old;
    l.first = std::min(l.first, part.first);
    l.last = std::max(l.last, part.last);
    std::vector<size_t> loads = load;
    for (int n = l.first; n <= l.last; ++n) {
      size_t& bytes = loads[static_cast<size_t>(n)];
      if (n < old.first || n > old.last) bytes += l.bytes;
      if (n >= part.first && n <= part.last) bytes -= part.bytes;
      if (bytes > most) return false;
    }
    load = std::move(loads), old = l;
    offset += slot(whole).within;
    for (size_t i = 0; i < plan_.slots.size(); ++i) {
      Slot& s = plan_.slots[i];
      if (s.alias_of != from && static_cast<int32_t>(i) != from) continue;
      s.alias_of = to;
      s.within += offset;
    }
    return true;
  }

  void release_late_values() {
    std::vector<Lifetime> live;
    lifetimes(&live);
    for (size_t i = 0; i < plan_.slots.size(); ++i) {
      auto s = static_cast<int32_t>(i);
      if (slot(s).storage != Storage::kRun || live[i].last < 0 ||
          std::ranges::find(plan_.outputs, s) != plan_.outputs.end())
        continue;
      plan_.steps[static_cast<size_t>(live[i].last)].release.push_back(s);
    }
  }

  Plan& plan_;
};

}  // namespace

Status place_values(Plan* plan) { return Placement(plan).run(); }

}  // namespace kinglet
