#include "plan/planner.h"

#include <algorithm>
#include <utility>

#include "ops/evaluate.h"
#include "ops/signature.h"
#include "plan/placement.h"
#include "plan/scope.h"

namespace kinglet {

namespace {

// Values up to this size that follow from constants and shapes are computed when planning.
constexpr int64_t kFoldElements = 1 << 16;
// Integers and bools up to this size are followed from inputs to what they steer.
constexpr int64_t kSteeringElements = 64;

bool has_fixed_inputs(const Graph& graph) {
  return std::ranges::all_of(graph.inputs, [&](ValueId id) {
    const Type& type = graph.edge(id).type;
    return type.has_shape && std::ranges::all_of(type.dims, [](const Dim& dim) { return dim.value >= 0; });
  });
}

class Planner {
 public:
  Planner(Graph& graph, PackCache& packs, int threads, const Plan* like)
      : packs_(packs), threads_(threads), fixed_(has_fixed_inputs(graph)), whole_(graph, like) {}

  Result<Plan> run(std::span<const Port> inputs, const Ends& ends) {
    if (const Plan* like = whole_.like; like != nullptr) {
      plan_.slots.reserve(like->slots.size());
      plan_.steps.reserve(like->steps.size());
    }
    for (size_t i = 0; i < scope_->graph->inputs.size(); ++i) {
      ValueId edge = scope_->graph->inputs[i];
      if (inputs[i].constant != nullptr) {
        plan_.inputs.push_back(add_constant(edge, *inputs[i].constant));
        continue;
      }
      int32_t s = add_slot(edge, inputs[i].shape_known ? Storage::kInput : Storage::kRun);
      slot(s).dtype = inputs[i].dtype;
      slot(s).shape = inputs[i].shape;
      if (i < 64 && inputs[i].shape_known && may_steer(inputs[i].dtype, inputs[i].shape, kKeyElements))
        steered_by_.back() = uint64_t{1} << i;
      plan_.inputs.push_back(s);
    }
    for (size_t i = 0; i < plan_.inputs.size(); ++i)
      scope_->compare(scope_->graph->inputs[i], &slot(plan_.inputs[i]));
    KL_TRY(add_nodes());
    for (ValueId id : scope_->graph->outputs) plan_.outputs.push_back(slot_for(id));
    plan_.traces.push_back(whole_.made);
    drop_unused_steps();
    KL_TRY(place_values(&plan_, ends));
    return std::move(plan_);
  }

 private:
  Slot& slot(int32_t i) { return plan_.slots[static_cast<size_t>(i)]; }
  int32_t root(int32_t i) { return slot(i).alias_of >= 0 ? slot(i).alias_of : i; }

  int32_t add_slot(ValueId edge, Storage storage) {
    Slot& s = plan_.slots.emplace_back();
    s.edge = &scope_->graph->edge(edge);
    s.storage = storage;
    steered_by_.push_back(0);
    return scope_->made->slots[static_cast<size_t>(edge)] = static_cast<int32_t>(plan_.slots.size() - 1);
  }

  // -1 for kNoValue; constants of the graph get their slot at the first use.
  int32_t slot_for(ValueId edge) {
    if (edge == kNoValue) return -1;
    int32_t known = scope_->made->slots[static_cast<size_t>(edge)];
    if (known >= 0 || !scope_->graph->edge(edge).is_constant()) return known;
    return add_constant(edge, scope_->graph->edge(edge).constant);
  }

  int32_t add_constant(ValueId edge, Tensor value) {
    int32_t i = add_slot(edge, Storage::kConstant);
    slot(i).dtype = value.dtype();
    slot(i).shape = value.shape();
    slot(i).constant = std::move(value);
    return i;
  }

  std::vector<Port> ports_of(const Node& node) {
    std::vector<Port> ports(node.inputs.size());
    // All slots first: they move when more are added.
    for (ValueId v : node.inputs) slot_for(v);
    for (size_t i = 0; i < ports.size(); ++i) {
      int32_t s = slot_for(node.inputs[i]);
      if (s < 0) continue;
      const Slot& from = slot(s);
      ports[i] = {true, from.dtype, from.storage != Storage::kRun, from.shape, nullptr};
      if (from.storage == Storage::kConstant) ports[i].constant = &from.constant;
    }
    return ports;
  }

  Status add_nodes() {
    std::vector<Found> outputs;
    for (NodeId id : scope_->graph->order()) {
      const Node& node = scope_->graph->node(id);
      bool again = scope_->repeats(id, &outputs);
      if (again) {
        KL_TRY(connect_step(id, node, outputs, scope_->work_before(id)));
      } else {
        std::vector<Port> ports = ports_of(node);
        if (Status s = add_node(id, node, ports); !s.ok()) return at_node(std::move(s), node, ports);
      }
      uint64_t inputs = steered_by(node.inputs);
      for (ValueId v : node.outputs) {
        if (v == kNoValue) continue;
        int32_t s = scope_->made->slots[static_cast<size_t>(v)];
        if (again)
          scope_->keep(v);
        else
          scope_->compare(v, s < 0 ? nullptr : &slot(s));
        if (inputs == 0 || s < 0) continue;
        const Slot& to = slot(s);
        if (to.storage != Storage::kConstant && to.storage != Storage::kRun &&
            may_steer(to.dtype, to.shape, kSteeringElements))
          steered_by_[static_cast<size_t>(s)] |= inputs;
      }
    }
    return {};
  }

  uint64_t steered_by(std::span<const ValueId> values) {
    uint64_t inputs = 0;
    for (ValueId v : values) {
      int32_t s = slot_for(v);
      if (s >= 0) inputs |= steered_by_[static_cast<size_t>(s)];
    }
    return inputs;
  }

  // The branch that an If with these inputs takes; null where only the run can tell, or refuse it.
  static const Subgraph* known_branch(const Node& node, std::span<const Port> ports) {
    const Tensor* condition = ports[0].constant;
    if (condition == nullptr || condition->dtype() != DType::kBool || condition->count() != 1) return nullptr;
    const Subgraph* branch = node.subgraph(*condition->data<bool>() ? "then_branch" : "else_branch");
    bool fits = branch != nullptr && branch->graph->inputs.size() == branch->captures.size() &&
                branch->graph->outputs.size() >= node.outputs.size();
    return fits ? branch : nullptr;
  }

  // The branch's nodes become steps of this plan, and its results those of `node`.
  Status add_branch(const Node& node, const Subgraph& branch) {
    Graph& body = *branch.graph;
    std::vector<int32_t> captures, results;
    for (ValueId v : branch.captures) captures.push_back(slot_for(v));
    Scope inner(body, whole_.like);
    Scope* outer = std::exchange(scope_, &inner);
    for (size_t i = 0; i < captures.size(); ++i) {
      scope_->made->slots[static_cast<size_t>(body.inputs[i])] = captures[i];
      scope_->compare(body.inputs[i], captures[i] < 0 ? nullptr : &slot(captures[i]));
    }
    Status added = add_nodes();
    for (size_t i = 0; added.ok() && i < node.outputs.size(); ++i)
      results.push_back(slot_for(body.outputs[i]));
    plan_.traces.push_back(inner.made);
    scope_ = outer;
    KL_TRY(std::move(added));
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      KL_REQUIRE(results[i] >= 0, kInvalidGraph, branch.name, " has no output ", i);
      scope_->made->slots[static_cast<size_t>(node.outputs[i])] = results[i];
    }
    return {};
  }

  Status add_node(NodeId id, const Node& node, std::span<Port> ports) {
    // The value itself, whatever it is.
    if (node.domain == kOnnx && node.op == "Identity") {
      if (ValueId v = node.output(0); v != kNoValue)
        scope_->made->slots[static_cast<size_t>(v)] = slot_for(node.input(0));
      return {};
    }
    if (node.domain == kOnnx && node.op == "If") {
      if (const Subgraph* branch = known_branch(node, ports)) return add_branch(node, *branch);
      plan_.steering |= steered_by(node.inputs);
    }
    // Slots move when more are added: constants are looked up again below.
    std::vector<Tensor> constants(ports.size());
    bool shapes_known = node.def->eval == nullptr, all_constant = node.def->deterministic;
    for (size_t i = 0; i < ports.size(); ++i) {
      if (!ports[i].present) continue;
      shapes_known &= ports[i].shape_known;
      all_constant &= ports[i].constant != nullptr;
      if (ports[i].constant != nullptr) constants[i] = *ports[i].constant, ports[i].constant = &constants[i];
    }
    if (!shapes_known) return add_late(node);
    std::vector<InferContext::Output> outputs;
    bool later = false;
    KL_REQUIRE(node.def->infer != nullptr, kInternal, "operator was not expanded");
    KL_TRY(check_types(node, ports));
    KL_TRY(infer(node, ports, &outputs, &later));
    if (later) {
      plan_.steering |= steered_by(node.inputs);
      return add_late(node);
    }
    if (all_constant) {
      bool small = std::ranges::all_of(
          outputs, [](const auto& o) { return !o.shape_known || o.shape.count() <= kFoldElements; });
      if (small) return fold(node, constants);
    }
    return add_step(id, node, ports, outputs);
  }

  // Types that the graph knew have been checked; those of values that came otherwise have not.
  Status check_types(const Node& node, std::span<const Port> ports) {
    bool surprise = false;
    std::vector<DType> dtypes;
    for (size_t i = 0; i < ports.size(); ++i) {
      dtypes.push_back(ports[i].present ? ports[i].dtype : DType::kNone);
      surprise |= ports[i].present && scope_->graph->edge(node.inputs[i]).type.dtype != ports[i].dtype;
    }
    return surprise ? check_dtypes(node, dtypes) : Status();
  }

  Status fold(const Node& node, std::span<const Tensor> constants) {
    std::vector<Value> inputs(constants.size()), results;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!constants[i].empty()) inputs[i] = constants[i];
    }
    KL_TRY(evaluate(node, inputs, &results, nullptr));
    for (size_t i = 0; i < results.size(); ++i) {
      if (node.outputs[i] != kNoValue) add_constant(node.outputs[i], *results[i].tensor());
    }
    return {};
  }

  void connect(const Node& node, Step* step) {
    step->node = &node;
    step->inputs.reserve(node.inputs.size());
    step->outputs.reserve(node.outputs.size());
    for (ValueId v : node.inputs) step->inputs.push_back(slot_for(v));
    for (ValueId v : node.outputs) step->outputs.push_back(slot_for(v));
    for (const Subgraph& s : node.subgraphs) {
      auto& captures = step->captures.emplace_back();
      for (ValueId v : s.captures) captures.push_back(slot_for(v));
    }
  }

  Status add_late(const Node& node) {
    for (ValueId v : node.outputs) {
      if (v != kNoValue) slot(add_slot(v, Storage::kRun)).dtype = scope_->graph->edge(v).type.dtype;
    }
    Step& step = plan_.steps.emplace_back();
    step.work = std::make_shared<StepPlan>();
    connect(node, &step);
    return {};
  }

  // Constants with their elements that only `node` reads.
  bool reads_alone(ValueId v) {
    return scope_->graph->constant(v) != nullptr && scope_->graph->edge(v).constant.buffer()->form.empty() &&
           scope_->graph->users(v).size() == 1 && !scope_->graph->is_output(v);
  }

  // By bit of the input, those whose elements nobody else holds: the graph, this plan and add_node do.
  uint64_t held_alone(const Node& node) {
    uint64_t alone = 0;
    for (size_t i = 0; i < std::min<size_t>(node.inputs.size(), 64); ++i) {
      ValueId v = node.inputs[i];
      if (reads_alone(v) && scope_->graph->edge(v).constant.buffer().use_count() == 3)
        alone |= uint64_t{1} << i;
    }
    return alone;
  }

  // Weights that only this node reads are left in their packed form alone where that will do.
  void let_go(const Node& node, const StepPlan& work, uint64_t alone) {
    for (int i : work.spent) {
      ValueId v = node.input(static_cast<size_t>(i));
      Edge& edge = scope_->graph->edge(v);
      std::shared_ptr<Buffer> packed;
      if (reads_alone(v))
        packed = packs_.take(edge.constant);
      else if ((alone >> i & 1) != 0)
        packed = edge.constant.buffer();
      if (packed) slot(slot_for(v)).constant = edge.constant = edge.constant.stand_in(std::move(packed));
    }
  }

  Status add_step(NodeId id, const Node& node, std::span<const Port> ports,
                  std::span<InferContext::Output> outputs) {
    std::shared_ptr<StepPlan> work;
    bool all_values = true;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      all_values &= !outputs[i].value.empty();
    }
    if (!all_values) {
      uint64_t alone = held_alone(node);
      work = std::make_shared<StepPlan>();
      LowerContext context(node, ports, outputs, &packs_, work.get(), threads_, fixed_, alone);
      Status lowered = node.def->lower(context);
      let_go(node, *work, alone);
      KL_TRY(std::move(lowered));
    }
    std::vector<Found> found;
    for (InferContext::Output& o : outputs)
      found.push_back({o.dtype, o.shape_known, &o.shape, o.value.empty() ? nullptr : &o.value});
    return connect_step(id, node, found, std::move(work));
  }

  // Adds the outputs of `node` and its step, if it needs one. `work`: what it was lowered to; null where all
  // outputs are known.
  Status connect_step(NodeId id, const Node& node, std::span<const Found> outputs,
                      std::shared_ptr<const StepPlan> work) {
    bool any_elements = false;
    for (size_t i = 0; i < outputs.size(); ++i) {
      ValueId edge = node.outputs[i];
      if (edge == kNoValue) continue;
      const Found& o = outputs[i];
      if (o.value != nullptr) {
        add_constant(edge, *o.value);
        continue;
      }
      any_elements |= !o.shape_known || o.shape->count() != 0;
      Storage storage = !o.shape_known              ? Storage::kRun
                        : o.dtype == DType::kString ? Storage::kOutput
                                                    : Storage::kArena;
      int32_t s = add_slot(edge, storage);
      slot(s).dtype = o.dtype;
      slot(s).shape = *o.shape;
      auto alias = std::ranges::find(work->aliases, static_cast<int>(i), &std::pair<int, int>::first);
      if (alias != work->aliases.end()) {
        int32_t source = root(slot_for(node.inputs[static_cast<size_t>(alias->second)]));
        slot(s).alias_of = source;
        slot(s).storage = slot(source).storage;
        if (slot(source).storage == Storage::kConstant) {
          slot(s).alias_of = -1;
          slot(s).constant = slot(source).constant.reshaped(*o.shape);
        }
      } else {
        KL_REQUIRE(work->run != nullptr, kInternal, "operator has no kernel for output ", i);
      }
    }
    scope_->made->works[static_cast<size_t>(id)] = work;
    if (work == nullptr || work->run == nullptr || !any_elements) return {};
    Step& step = plan_.steps.emplace_back();
    step.work = std::move(work);
    connect(node, &step);
    return {};
  }

  // Steps whose results nobody reads: producers of values that turned out to be known.
  void drop_unused_steps() {
    std::vector<bool> needed(plan_.slots.size());
    auto need = [&](int32_t i) {
      if (i >= 0) needed[static_cast<size_t>(root(i))] = true;
    };
    std::ranges::for_each(plan_.outputs, need);
    std::vector<Step> kept;
    for (auto it = plan_.steps.rbegin(); it != plan_.steps.rend(); ++it) {
      bool used = std::ranges::any_of(
          it->outputs, [&](int32_t o) { return o >= 0 && needed[static_cast<size_t>(root(o))]; });
      if (!used) continue;
      std::ranges::for_each(it->inputs, need);
      for (const auto& captures : it->captures) std::ranges::for_each(captures, need);
      kept.push_back(std::move(*it));
    }
    std::ranges::reverse(kept);
    plan_.steps = std::move(kept);
  }

  PackCache& packs_;
  int threads_;
  bool fixed_;
  Scope whole_;
  Scope* scope_ = &whole_;
  Plan plan_;
  std::vector<uint64_t> steered_by_;  // by slot: inputs on whose values it depends
};

}  // namespace

Result<Plan> make_plan(Graph& graph, std::span<const Port> inputs, PackCache& packs, int threads,
                       const Ends& ends, const Plan* like) {
  KL_REQUIRE(inputs.size() == graph.inputs.size(), kInternal, inputs.size(), " inputs for a graph with ",
             graph.inputs.size());
  return Planner(graph, packs, threads, like).run(inputs, ends);
}

}  // namespace kinglet
