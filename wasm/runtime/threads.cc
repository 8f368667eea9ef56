#include "runtime/threads.h"

#include <cstdlib>

namespace kinglet {

namespace {

// Looks at memory before a thread goes to sleep: about a millisecond, longer than most steps of a run that
// stay on one thread.
constexpr int kSpins = 1 << 21;
// Pieces for each thread, so that a late or slow one holds up the others by little.
constexpr size_t kPiecesPerThread = 4;

#if defined(__wasm__)
void wait(std::atomic<uint32_t>& at, uint32_t old) {
  __builtin_wasm_memory_atomic_wait32(reinterpret_cast<int32_t*>(&at), static_cast<int32_t>(old), -1);
}
void wake(std::atomic<uint32_t>& at) {
  __builtin_wasm_memory_atomic_notify(reinterpret_cast<int32_t*>(&at), ~0u);
}
#else
void wait(std::atomic<uint32_t>& at, uint32_t old) { at.wait(old); }
void wake(std::atomic<uint32_t>& at) { at.notify_all(); }
#endif

}  // namespace

// Returns soon after `at` is no longer `old`, or when it was woken.
void ThreadPool::await_change(std::atomic<uint32_t>& at, uint32_t old) {
  for (int i = 0; i < kSpins; ++i)
    if (at.load(std::memory_order_relaxed) != old) return;
  ++sleepers_;
  wait(at, old);
  --sleepers_;
}

// After `at` has changed.
void ThreadPool::tell(std::atomic<uint32_t>& at) {
  if (sleepers_ != 0) wake(at);
}

void ThreadPool::run(size_t n, size_t grain, void (*body)(void*, size_t, size_t), void* context) {
  auto workers = static_cast<size_t>(threads_);
  if (workers < 2 || n <= grain || open_.load() != 0) return Parallel::run(n, grain, body, context);
  body_ = body;
  context_ = context;
  n_ = n;
  size_t grains = (n - 1) / grain + 1;
  piece_ = std::max<size_t>(grains / (workers * kPiecesPerThread), 1) * grain;
  pieces_ = static_cast<uint32_t>((n - 1) / piece_ + 1);
  shares_ = Shares(pieces_, std::min(workers, Shares::kMostTakers));
  done_ = 0;
  open_ = 1;
  ++epoch_;
  tell(epoch_);
  take_part(0);
  finish();
}

void ThreadPool::take_part(size_t taker) {
  for (size_t i; shares_.take(taker, &i);) {
    size_t begin = i * piece_;
    if (!(cancel && cancel->set())) body_(context_, begin, std::min(n_, begin + piece_));
    if (++done_ == pieces_) tell(done_);
  }
}

void ThreadPool::finish() {
  for (uint32_t done = done_; done != pieces_; done = done_) {
    if (lost_) std::abort();
    await_change(done_, done);
  }
  open_ = 0;
  while (active_.load() != 0)
    if (lost_) std::abort();
}

void ThreadPool::help() {
  uint32_t seen = epoch_;
  auto taker = static_cast<size_t>(++helpers_);
  while (!stopped_) {
    await_change(epoch_, seen);
    seen = epoch_;
    ++active_;
    if (open_) take_part(taker);
    --active_;
  }
  --helpers_;
}

void ThreadPool::stop() {
  stopped_ = 1;
  ++epoch_;
  wake(epoch_);
}

void ThreadPool::lose() {
  lost_ = 1;
  ++done_;
  wake(done_);
}

}  // namespace kinglet
