#pragma once
// How kernels use several threads without knowing what a thread is. Cancellation is looked at here too.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace kinglet {

// Set from outside (JavaScript, another thread) to end a run early. Kernels that take longer than some
// milliseconds look at it.
class CancelFlag {
 public:
  bool set() const { return __atomic_load_n(&value_, __ATOMIC_RELAXED) != 0; }
  void request() { __atomic_store_n(&value_, 1, __ATOMIC_RELAXED); }
  void clear() { __atomic_store_n(&value_, 0, __ATOMIC_RELAXED); }
  int32_t* address() { return &value_; }

 private:
  int32_t value_ = 0;
};

class Parallel {
 public:
  virtual ~Parallel() = default;
  // Threads that take part, the caller included; at least 1. Changes in begin() only.
  virtual int threads() const { return 1; }
  // threads() is never more: what scratch memory is planned for.
  virtual int most_threads() const { return threads(); }
  // Settles who takes part from now on: the caller alone, or all that are there. Not during run().
  virtual void begin(bool /*alone*/) {}
  // Calls body(context, begin, end) for disjoint ranges that cover [0, n), each a multiple of `grain` but for
  // the last. Returns when all are done. Ranges not yet begun are left out once `cancel` is set.
  virtual void run(size_t n, size_t grain, void (*body)(void*, size_t, size_t), void* context) {
    for (size_t begin = 0; begin < n && !(cancel && cancel->set());) {
      size_t end = cancel ? std::min(n, begin + grain) : n;
      body(context, begin, end);
      begin = end;
    }
  }
  const CancelFlag* cancel = nullptr;
};

// body(begin, end)
template <class Body>
void parallel_for(Parallel& pool, size_t n, size_t grain, Body&& body) {
  pool.run(
      n, std::max<size_t>(grain, 1),
      [](void* f, size_t begin, size_t end) {
        (*static_cast<std::remove_reference_t<Body>*>(f))(begin, end);
      },
      &body);
}

inline bool cancelled(const Parallel& pool) { return pool.cancel != nullptr && pool.cancel->set(); }

// Hands out [0, n) to takers: each has a stretch of its own, in order, and then helps with the others'. So a
// taker meets from step to step what it has written itself.
class Shares {
 public:
  static constexpr size_t kMostTakers = 64;
  Shares() = default;
  // 0 < takers <= kMostTakers
  Shares(size_t n, size_t takers) : n_(n), takers_(takers) {}
  // False when all are taken. Any number of threads may call this at a time.
  bool take(size_t taker, size_t* item) {
    for (size_t i = 0; i < takers_; ++i) {
      size_t of = (taker + i) % takers_, end = begin_of(of + 1);
      if (begin_of(of) + __atomic_load_n(&next_[of], __ATOMIC_RELAXED) >= end) continue;
      *item = begin_of(of) + __atomic_fetch_add(&next_[of], 1, __ATOMIC_RELAXED);
      if (*item < end) return true;
    }
    return false;
  }

 private:
  size_t begin_of(size_t taker) const { return n_ / takers_ * taker + std::min(taker, n_ % takers_); }
  size_t n_ = 0, takers_ = 1;
  size_t next_[kMostTakers] = {};
};

// body(slot, item) for every item in [0, items). slot < pool.threads(), and no two calls with
// the same slot run at the same time: a slot can own scratch memory. Items not yet begun are left out once
// the run is cancelled.
template <class Body>
void parallel_slots(Parallel& pool, size_t items, Body&& body) {
  size_t slots = std::min({items, static_cast<size_t>(pool.threads()), Shares::kMostTakers});
  if (slots == 0) return;
  Shares shares(items, slots);
  parallel_for(pool, slots, 1, [&](size_t begin, size_t end) {
    for (size_t slot = begin; slot < end; ++slot) {
      size_t item;
      while (!cancelled(pool) && shares.take(slot, &item)) body(slot, item);
    }
  });
}

}  // namespace kinglet
