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

// A model that runs. One run at a time.
class Session {
 public:
  // Runs on `pool`, which outlives the session; null: on the calling thread alone.
  explicit Session(std::shared_ptr<Graph> graph, Parallel* pool = nullptr);
  Session(const Session&) = delete;

  const std::vector<SessionPort>& inputs() const { return inputs_; }
  const std::vector<SessionPort>& outputs() const { return outputs_; }

  // The values of the next run, one for each of inputs(), all empty: for the caller to set. A tensor may have
  // no elements yet. What was fed before is forgotten.
  std::span<Value> new_feeds();
  // Checks the feeds against the declared types and finds what will run. Tensors without elements get memory
  // for them: where the run reads them, so that nothing is copied. Feeds that are refused are forgotten.
  Status prepare();
  std::span<const Value> feeds() const { return feeds_; }
  // From now on the input, where it is not fed, is what the output was after the last run that succeeded.
  // Both by their places, of one type; each input once. Before the first prepare().
  Status carry(size_t input, size_t output);
  // Runs what prepare() found, and forgets the feeds; `results` are in the order of outputs(). Failures leave
  // the session usable.
  Status run(std::vector<Value>* results);

  // May be set from anywhere, also just before run(), which then fails with kCancelled; run() clears it when
  // it ends.
  CancelFlag& cancel() { return cancel_; }
  Profile& profile() { return profile_; }
  Program& program() { return program_; }
  const Instance& instance() const { return instance_; }

 private:
  struct Carried {
    size_t input, output;
    Value value;
  };
  const Carried* carried(size_t input) const;
  Status match() const;

  CancelFlag cancel_;
  Parallel alone_;
  Parallel& parallel_;
  Profile profile_;
  Program program_;
  Instance instance_;
  std::vector<SessionPort> inputs_, outputs_;
  std::vector<Value> feeds_;
  std::vector<Carried> state_;
  bool prepared_ = false;
};

}  // namespace kinglet
