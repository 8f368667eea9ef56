#pragma once
// Threads of a run: the caller, and helpers that wait for work in the memory they share with it.
#include <atomic>

#include "base/parallel.h"

namespace kinglet {

// Splits ranges over the caller and helpers. Nothing here makes a thread: whoever does (a worker in
// JavaScript, a test) calls help() on it. One run() at a time; a run() inside a body stays on its thread.
class ThreadPool final : public Parallel {
 public:
  // The most threads that take part from the next begin() on, the caller included. Not during run().
  void set_threads(int threads) { most_ = threads; }
  int threads() const override { return threads_; }
  int most_threads() const override { return most_; }
  void begin(bool alone) override { threads_ = alone ? 1 : std::min(helpers() + 1, most_); }
  void run(size_t n, size_t grain, void (*body)(void*, size_t, size_t), void* context) override;

  // Takes part in runs until stop(). The thread has a stack of its own and allocates nothing meanwhile.
  void help();
  // help() returns in all helpers. Not during run().
  void stop();
  // A helper was lost inside a body: run() ends the module, since its data are in an unknown state.
  void lose();
  // Threads that are in help().
  int helpers() const { return helpers_.load(); }

 private:
  void take_part(size_t taker);
  void await_change(std::atomic<uint32_t>& at, uint32_t old);
  void tell(std::atomic<uint32_t>& at);
  void finish();

  int most_ = 1, threads_ = 1;
  // The work of the current run(): pieces are handed out by `shares_` and counted when done.
  void (*body_)(void*, size_t, size_t) = nullptr;
  void* context_ = nullptr;
  size_t n_ = 0, piece_ = 0;
  Shares shares_;
  uint32_t pieces_ = 0;
  std::atomic<uint32_t> done_ = 0;
  // A helper announces itself in `active_` before it looks at `open_`; run() closes before it looks at
  // `active_`.
  std::atomic<uint32_t> open_ = 0, active_ = 0;
  std::atomic<uint32_t> epoch_ = 0, stopped_ = 0, lost_ = 0;
  std::atomic<int> helpers_ = 0;
  // Threads that sleep or are about to: announced before they look at what they wait for.
  std::atomic<uint32_t> sleepers_ = 0;
};

}  // namespace kinglet
