#pragma once
#include <algorithm>

#include "kernels/attention/attention.h"

namespace kinglet {

struct Visible {
  size_t begin, end;
};

// The keys that query i of batch item b sees; begin <= end <= keys.
template <class T>
inline Visible visible_keys(const Attention<T>& a, size_t b, size_t i) {
  auto keys = static_cast<int64_t>(a.keys);
  int64_t begin = 0, end = a.lengths ? std::clamp<int64_t>(a.lengths[b], 0, keys) : keys;
  if (a.causal) {
    int64_t own = static_cast<int64_t>(i) + (a.pasts ? a.pasts[b] : a.past) + 1;
    if (a.window > 0) begin = std::clamp<int64_t>(own - a.window, 0, keys);
    end = std::min(end, std::max<int64_t>(own, 0));
  }
  return {static_cast<size_t>(std::min(begin, end)), static_cast<size_t>(end)};
}

}  // namespace kinglet
