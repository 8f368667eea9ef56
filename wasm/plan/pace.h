#pragma once
#include <algorithm>
#include <cstdint>

namespace kinglet {

// How long the runs of a plan take, and so whether helper threads are worth waking for the next one.
class Pace {
 public:
  bool alone() const { return alone_ <= kSmall || rest_ > 0; }
  // A run took `us` microseconds, on the calling thread alone or shared with others.
  void add(int64_t us, bool shared) {
    if (!shared) {
      alone_ = std::min(alone_, us);
      rest_ = std::max(rest_ - 1, 0);
      return;
    }
    if (us > alone_)
      ++losses_;
    else
      losses_ = 0, next_rest_ = kPatience;
    // Now and then one that may be small is tried alone: the one that is known may have been slow.
    if (us < 2 * kSmall && shared_++ % kLongestRest == 1) rest_ = 1;
    if (losses_ < kPatience) return;
    rest_ = next_rest_;
    next_rest_ = std::min(2 * next_rest_, kLongestRest);
    losses_ = 0;
  }

 private:
  // Microseconds of a run that one thread does best.
  static constexpr int64_t kSmall = 1000, kUnknown = INT64_MAX;
  // Shared runs one after the other that were slower than one alone; then come as many without helpers, and
  // each time that this happens again twice as many.
  static constexpr int kPatience = 4, kLongestRest = 64;

  int64_t alone_ = kUnknown;  // the shortest
  int losses_ = 0, rest_ = 0, next_rest_ = kPatience;
  int shared_ = 0;  // that may be small
};

}  // namespace kinglet
