#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/instance.h"

namespace kinglet {

// An input or output as the model declares it.
struct SessionPort {
  std::string name;
  Type type;
};

struct NamedValue {
  std::string_view name;
  Value value;
};

// A model that runs. One run at a time.
class Session {
 public:
  // Runs on `pool`, which outlives the session; null: on the calling thread alone.
  explicit Session(std::shared_ptr<Graph> graph, Parallel* pool = nullptr);
  Session(const Session&) = delete;

  const std::vector<SessionPort>& inputs() const { return inputs_; }
  const std::vector<SessionPort>& outputs() const { return outputs_; }

  // Gives memory to the tensors among the feeds of the next run that have none: where it reads them, so that
  // nothing is copied. Ends like a run where they do not fit the model.
  Status place(std::span<NamedValue> feeds);
  // Feeds are matched by name and checked against the declared types. `fetches` names the wanted outputs;
  // empty: all. Values in `outputs` follow `fetches` (or outputs()). Failures leave the session usable.
  Status run(std::span<const NamedValue> feeds, std::span<const std::string_view> fetches,
             std::vector<Value>* outputs);

  // May be set from anywhere, also just before run(), which then fails with kCancelled; run() clears it when
  // it ends.
  CancelFlag& cancel() { return cancel_; }
  Profile& profile() { return profile_; }
  Program& program() { return program_; }
  const Instance& instance() const { return instance_; }

 private:
  Status match(std::span<const NamedValue> feeds, std::vector<Value>* values);
  Status run_all(std::span<const NamedValue> feeds, std::span<const std::string_view> fetches,
                 std::vector<Value>* outputs);

  CancelFlag cancel_;
  Parallel alone_;
  Parallel& parallel_;
  Profile profile_;
  Program program_;
  Instance instance_;
  std::vector<SessionPort> inputs_, outputs_;
};

}  // namespace kinglet
