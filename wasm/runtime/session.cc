#include "runtime/session.h"

#include <algorithm>

namespace kinglet {

namespace {

std::vector<SessionPort> ports(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<SessionPort> out;
  for (ValueId id : ids) out.push_back({graph.edge(id).name, graph.edge(id).type});
  return out;
}

Status check_feed(const SessionPort& port, const Value& value) {
  const Type& declared = port.type;
  if (declared.kind == Type::Kind::kOptional) return {};
  auto refuse = [&](const std::string& got) {
    return fail(Code::kInvalidInput, "input '", port.name, "' is ", got)
        .with("input", port.name)
        .with("expected", str(declared));
  };
  if (declared.kind == Type::Kind::kSequence) return value.sequence() ? Status() : refuse("not a sequence");
  if (declared.kind == Type::Kind::kMap) return value.map() ? Status() : refuse("not a map");
  const Tensor* t = value.tensor();
  if (t == nullptr) return refuse("not a tensor");
  bool fits = declared.dtype == DType::kNone || declared.dtype == t->dtype();
  if (declared.has_shape) {
    fits &= declared.dims.size() == t->shape().size();
    for (size_t i = 0; fits && i < declared.dims.size(); ++i)
      fits = declared.dims[i].value < 0 || declared.dims[i].value == t->shape()[i];
  }
  return fits ? Status() : refuse(str(t->dtype(), t->shape()));
}

}  // namespace

Session::Session(std::shared_ptr<Graph> graph, Parallel* pool)
    : parallel_(pool != nullptr ? *pool : alone_),
      program_(graph, parallel_.most_threads()),
      instance_(program_, {&parallel_, &profile_}),
      inputs_(ports(*graph, graph->inputs)),
      outputs_(ports(*graph, graph->outputs)),
      feeds_(inputs_.size()) {}

Status Session::match() const {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const SessionPort& port = inputs_[i];
    if (!feeds_[i].empty()) {
      KL_TRY(check_feed(port, feeds_[i]));
    } else if (port.type.kind != Type::Kind::kOptional) {
      const Carried* from = carried(i);
      std::string before =
          from == nullptr ? ""
                          : str(" No run has given output '", outputs_[from->output].name, "' for it yet.");
      return fail(Code::kMissingInput, "input '", port.name, "' is missing in 'feeds'.", before)
          .with("expected", str(port.type));
    }
  }
  return {};
}

const Session::Carried* Session::carried(size_t input) const {
  auto it = std::ranges::find(state_, input, &Carried::input);
  return it == state_.end() ? nullptr : &*it;
}

Status Session::carry(size_t input, size_t output) {
  KL_REQUIRE(input < inputs_.size() && output < outputs_.size(), kInvalidArgument, "input ", input,
             " cannot be output ", output);
  const SessionPort &to = inputs_[input], &from = outputs_[output];
  KL_REQUIRE(carried(input) == nullptr, kInvalidArgument, "input '", to.name, "' is that of two outputs");
  KL_REQUIRE(to.type.kind == from.type.kind && to.type.dtype == from.type.dtype, kInvalidArgument, "input '",
             to.name, "' is ", str(to.type), ", output '", from.name, "' is ", str(from.type));
  state_.push_back({input, output, {}});
  program_.hold(input, output);
  return {};
}

Status Session::prepare() {
  for (const Carried& c : state_) {
    if (feeds_[c.input].empty()) feeds_[c.input] = c.value;
  }
  Status status = match();
  if (status.ok()) status = instance_.place(feeds_);
  if (!status.ok()) new_feeds();
  prepared_ = status.ok();
  return status;
}

Status Session::run(std::vector<Value>* results) {
  KL_REQUIRE(prepared_, kInvalidArgument, "a run without feeds");
  parallel_.cancel = &cancel_;
  Status status = instance_.run(feeds_, results);
  cancel_.clear();
  new_feeds();
  if (status.ok()) {
    for (Carried& c : state_) c.value = (*results)[c.output];
  }
  return status;
}

std::span<Value> Session::new_feeds() {
  prepared_ = false;
  std::ranges::fill(feeds_, Value());
  return feeds_;
}

}  // namespace kinglet
