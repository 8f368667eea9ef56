#include "plan/placement.h"

#include <algorithm>
#include <limits>

#include "plan/memory.h"

namespace kinglet {

namespace {

class Placement {
 public:
  Placement(Plan* plan, const Ends& ends)
      : plan_(*plan), ends_(ends), steps_(static_cast<int>(plan->steps.size())), uses_(plan->slots.size()) {}

  Status run() {
    place_ends();
    find_uses();
    share_in_place();
    KL_TRY(place_arena());
    KL_TRY(place_pieces());
    release_late_values();
    return {};
  }

 private:
  // What is known of a slot.
  struct Uses {
    // Of a root: from its first step to its last one, with all that lies in it, and its bytes in the arena.
    int first = INT32_MAX, last = -1;
    size_t bytes = 0;
    bool held = false;  // by whoever runs the plan: not in the arena
    int made = -1;      // the step that writes it
    int32_t next = -1;  // in the list of what lies in its root, which comes first
    int32_t end = -1;   // of a root: the last one in its list
  };

  Slot& slot(int32_t i) { return plan_.slots[static_cast<size_t>(i)]; }
  Uses& uses(int32_t i) { return uses_[static_cast<size_t>(i)]; }
  Step& step(int n) { return plan_.steps[static_cast<size_t>(n)]; }
  int32_t root(int32_t i) { return slot(i).alias_of >= 0 ? slot(i).alias_of : i; }

  // What is less than a byte wide has unused bits that are seen outside, and must not show old memory.
  bool may_lie_in_arena(const Slot& s) {
    return ends_.in_arena && s.dtype != DType::kString && !is_sub_byte(s.dtype);
  }

  void place_ends() {
    for (size_t i : ends_.held_inputs) uses(plan_.inputs[i]).held = true;
    for (size_t i : ends_.held_outputs) {
      if (plan_.outputs[i] >= 0) uses(root(plan_.outputs[i])).held = true;
    }
    for (int32_t i : plan_.inputs) {
      if (slot(i).storage == Storage::kInput && may_lie_in_arena(slot(i)) && !uses(i).held)
        slot(i).storage = Storage::kArena;
    }
    for (int32_t i : plan_.outputs) {
      if (i < 0 || slot(root(i)).storage != Storage::kArena) continue;
      if (!may_lie_in_arena(slot(root(i))) || uses(root(i)).held) slot(root(i)).storage = Storage::kOutput;
    }
  }

  void find_uses() {
    for (size_t i = 0; i < plan_.slots.size(); ++i) uses_[i].end = static_cast<int32_t>(i);
    for (size_t i = 0; i < plan_.slots.size(); ++i) {
      Slot& s = plan_.slots[i];
      auto id = static_cast<int32_t>(i);
      if (s.alias_of >= 0) {
        s.storage = slot(s.alias_of).storage;
        append(s.alias_of, id);
      } else if (s.storage == Storage::kArena) {
        uses_[i].bytes = bytes_of(id);
      }
    }
    for (int n = 0; n < steps_; ++n) {
      auto touch = [&](int32_t i) {
        if (i >= 0) reach(root(i), n);
      };
      std::ranges::for_each(step(n).inputs, touch);
      std::ranges::for_each(step(n).outputs, touch);
      for (const auto& captures : step(n).captures) std::ranges::for_each(captures, touch);
      for (int32_t out : step(n).outputs) {
        if (out >= 0) uses(out).made = n;
      }
    }
    // Inputs are there before the first step, outputs are read after the last.
    for (int32_t i : plan_.inputs) {
      if (lies_in_plan(root(i))) reach(root(i), 0);
    }
    for (int32_t i : plan_.outputs) {
      if (i >= 0 && lies_in_plan(root(i))) reach(root(i), steps_);
    }
  }
  bool lies_in_plan(int32_t i) {
    return slot(i).storage == Storage::kArena || slot(i).storage == Storage::kOutput;
  }
  void reach(int32_t root, int n) {
    Uses& u = uses(root);
    u.first = std::min(u.first, n);
    u.last = std::max(u.last, n);
  }

  // Adds the list of `from` to the list of the root `to`.
  void append(int32_t to, int32_t from) {
    uses(uses(to).end).next = from;
    uses(to).end = uses(from).end;
  }
  // Calls f(slot) for all that lies in `root`, itself first.
  template <class F>
  void for_each_in(int32_t root, F&& f) {
    for (int32_t i = root; i >= 0; i = uses(i).next) f(i);
  }

  // From now on the root `from`, with all that lies in it, lies in the root `to`, `offset` bytes from its
  // begin.
  void put_into(int32_t from, int32_t to, size_t offset) {
    for_each_in(from, [&](int32_t i) {
      slot(i).alias_of = to;
      slot(i).within += offset;
      slot(i).storage = slot(to).storage;
    });
    Uses &part = uses(from), &whole = uses(to);
    whole.first = std::min(whole.first, part.first);
    whole.last = std::max(whole.last, part.last);
    append(to, from);
  }

  // Lets results take over the storage of an input that is read for the last time.
  void share_in_place() {
    for (int n = 0; n < steps_; ++n) {
      for (auto [out, in] : step(n).work->in_place) {
        int32_t to = step(n).outputs[static_cast<size_t>(out)],
                from = step(n).inputs[static_cast<size_t>(in)];
        if (to < 0 || from < 0) continue;
        from = root(from);
        if (slot(to).alias_of >= 0 || slot(from).storage != Storage::kArena || uses(from).last != n) continue;
        if (slot(to).storage != Storage::kArena && slot(to).storage != Storage::kOutput) continue;
        if (is_input(from) && slot(to).storage == Storage::kOutput) continue;
        if (bytes_of(to) != bytes_of(from)) continue;
        if (slot(to).storage == Storage::kOutput) {
          for_each_in(from, [&](int32_t i) { slot(i).storage = Storage::kOutput; });
          uses(from).bytes = 0;
        }
        put_into(to, from, 0);
        break;
      }
    }
  }

  bool is_input(int32_t i) { return std::ranges::find(plan_.inputs, i) != plan_.inputs.end(); }

  size_t bytes_of(int32_t i) {
    // Checked by infer for every known shape.
    auto bytes = checked_bytes(slot(i).dtype, slot(i).shape.count());
    return bytes.ok() ? *bytes : 0;
  }

  Status place_arena() {
    std::vector<Lifetime> blocks;
    std::vector<int32_t> owners;
    for (size_t i = 0; i < plan_.slots.size(); ++i) {
      const Slot& s = plan_.slots[i];
      const Uses& u = uses_[i];
      if (s.storage != Storage::kArena || s.alias_of >= 0 || u.last < 0) continue;
      blocks.push_back({u.first, u.last, u.bytes, 0});
      owners.push_back(static_cast<int32_t>(i));
    }
    for (int n = 0; n < steps_; ++n) {
      if (step(n).work->scratch_bytes == 0) continue;
      blocks.push_back({n, n, step(n).work->scratch_bytes, 0});
      owners.push_back(-1 - n);
    }
    KL_ASSIGN(plan_.arena_bytes, assign_offsets(blocks));
    for (size_t i = 0; i < blocks.size(); ++i) {
      if (owners[i] >= 0)
        slot(owners[i]).offset = blocks[i].offset;
      else
        step(-1 - owners[i]).scratch_offset = blocks[i].offset;
    }
    return {};
  }

  // Lets pieces lie in their wholes where that takes no larger arena: a whole lives as long as its pieces.
  Status place_pieces() {
    if (std::ranges::all_of(plan_.steps, [](const Step& s) { return s.work->pieces.empty(); })) return {};
    struct Place {
      Storage storage;
      int32_t alias_of;
      size_t within;
    };
    std::vector<Place> apart;
    for (const Slot& s : plan_.slots) apart.push_back({s.storage, s.alias_of, s.within});
    const std::vector<Uses> uses_apart = uses_;
    const size_t most = plan_.arena_bytes;
    bool moved = false;  // scratch too
    for (size_t load : {std::numeric_limits<size_t>::max(), most}) {
      if (!merge_pieces(load)) break;
      KL_TRY(place_arena());
      if (plan_.arena_bytes <= most) return {};
      for (size_t i = 0; i < apart.size(); ++i) {
        Slot& s = plan_.slots[i];
        s.storage = apart[i].storage, s.alias_of = apart[i].alias_of, s.within = apart[i].within;
      }
      uses_ = uses_apart;
      moved = true;
    }
    return moved ? place_arena() : Status{};
  }

  // Merges each piece with which no step has more than so many bytes in use; says whether there was one.
  bool merge_pieces(size_t most) {
    std::vector<size_t> load(static_cast<size_t>(steps_) + 1);
    for (int n = 0; n < steps_; ++n) load[static_cast<size_t>(n)] = step(n).work->scratch_bytes;
    for (size_t i = 0; i < plan_.slots.size(); ++i) {
      if (plan_.slots[i].storage != Storage::kArena || plan_.slots[i].alias_of >= 0) continue;
      for (int n = uses_[i].first; n <= uses_[i].last; ++n) load[static_cast<size_t>(n)] += uses_[i].bytes;
    }
    bool any = false;
    for (int n = 0; n < steps_; ++n) {
      for (const StepPlan::Piece& piece : step(n).work->pieces) {
        int32_t part = step(n).inputs[static_cast<size_t>(piece.input)];
        int32_t whole = step(n).outputs[static_cast<size_t>(piece.output)];
        if (!piece.of_output) std::swap(part, whole);
        if (part < 0 || whole < 0 || !mergeable(part, whole, n)) continue;
        if (!make_room(load, most, uses(root(part)), uses(root(whole)))) continue;
        put_into(root(part), root(whole), piece.offset + slot(whole).within);
        any = true;
      }
    }
    return any;
  }

  // Whether `part`, equal to a piece of `whole` behind step n, can share its storage.
  bool mergeable(int32_t part, int32_t whole, int n) {
    int32_t from = root(part), to = root(whole);
    if (from == to || slot(from).storage != Storage::kArena || bytes_of(from) != bytes_of(part)) return false;
    if (slot(to).storage != Storage::kArena && slot(to).storage != Storage::kOutput) return false;
    // Neither changes while the other is still read.
    int last = std::min(uses(from).last, uses(to).last);
    bool stay = true;
    auto look = [&](int32_t i) { stay &= uses(i).made <= n || uses(i).made > last; };
    for_each_in(from, [&](int32_t i) {
      look(i);
      // Inputs are written before there is an output.
      stay &= slot(to).storage == Storage::kArena || !is_input(i);
    });
    for_each_in(to, look);
    return stay;
  }

  // Takes `part` out of the load of each step and lets `whole` live as long, unless a step had too much then.
  bool make_room(std::vector<size_t>& load, size_t most, const Uses& part, const Uses& whole) {
    auto change = [&](int n) {
      size_t more = n < whole.first || n > whole.last ? whole.bytes : 0;
      size_t less = n >= part.first && n <= part.last ? part.bytes : 0;
      return load[static_cast<size_t>(n)] + more - less;
    };
    int first = std::min(whole.first, part.first), last = std::max(whole.last, part.last);
    for (int n = first; n <= last; ++n) {
      if (change(n) > most) return false;
    }
    for (int n = first; n <= last; ++n) load[static_cast<size_t>(n)] = change(n);
    return true;
  }

  void release_late_values() {
    for (size_t i = 0; i < plan_.slots.size(); ++i) {
      auto s = static_cast<int32_t>(i);
      if (slot(s).storage != Storage::kRun || uses(s).last < 0 ||
          std::ranges::find(plan_.outputs, s) != plan_.outputs.end())
        continue;
      step(uses(s).last).release.push_back(s);
    }
  }

  Plan& plan_;
  const Ends& ends_;
  int steps_;
  std::vector<Uses> uses_;  // by slot
};

}  // namespace

Status place_values(Plan* plan, const Ends& ends) { return Placement(plan, ends).run(); }

}  // namespace kinglet
