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
      outputs_(ports(*graph, graph->outputs)) {}

Status Session::run(std::span<const NamedValue> feeds, std::span<const std::string_view> fetches,
                    std::vector<Value>* outputs) {
  parallel_.cancel = &cancel_;
  Status status = run_all(feeds, fetches, outputs);
  cancel_.clear();
  return status;
}

// One value for each input.
Status Session::match(std::span<const NamedValue> feeds, std::vector<Value>* values) {
  for (const NamedValue& feed : feeds) {
    bool known = std::ranges::find(inputs_, feed.name, &SessionPort::name) != inputs_.end();
    KL_REQUIRE(known, kInvalidInput, "the model has no input named '", feed.name, "'");
  }
  for (const SessionPort& port : inputs_) {
    auto it = std::ranges::find(feeds, port.name, &NamedValue::name);
    if (it == feeds.end()) {
      if (port.type.kind != Type::Kind::kOptional) {
        return fail(Code::kMissingInput, "input '", port.name, "' is missing in 'feeds'.")
            .with("expected", str(port.type));
      }
      values->emplace_back();
      continue;
    }
    KL_TRY(check_feed(port, it->value));
    values->push_back(it->value);
  }
  return {};
}

Status Session::place(std::span<NamedValue> feeds) {
  std::vector<Value> values;
  KL_TRY(match(feeds, &values));
  KL_TRY(instance_.place(values));
  for (NamedValue& feed : feeds) {
    auto port = std::ranges::find(inputs_, feed.name, &SessionPort::name);
    feed.value = values[static_cast<size_t>(port - inputs_.begin())];
  }
  return {};
}

Status Session::run_all(std::span<const NamedValue> feeds, std::span<const std::string_view> fetches,
                        std::vector<Value>* outputs) {
  std::vector<Value> values, results;
  KL_TRY(match(feeds, &values));
  KL_TRY(instance_.run(values, &results));
  if (fetches.empty()) {
    *outputs = std::move(results);
    return {};
  }
  outputs->clear();
  for (std::string_view name : fetches) {
    auto it = std::ranges::find(outputs_, name, &SessionPort::name);
    KL_REQUIRE(it != outputs_.end(), kInvalidArgument, "the model has no output named '", name, "'");
    outputs->push_back(results[static_cast<size_t>(it - outputs_.begin())]);
  }
  return {};
}

}  // namespace kinglet
