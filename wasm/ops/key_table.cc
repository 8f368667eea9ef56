#include "ops/key_table.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/cast/convert.h"

namespace kinglet {

void sort_keys(KeyPlaces& keys) {
  if (!std::is_sorted(keys.begin(), keys.end())) std::sort(keys.begin(), keys.end());
}

KeyPlaces::const_iterator first_of(const KeyPlaces& sorted, uint64_t key) {
  return std::lower_bound(sorted.begin(), sorted.end(), std::pair(key, int32_t{0}));
}

uint64_t hash_of(std::string_view bytes) {
  uint64_t hash = bytes.size();
  for (char c : bytes) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  return hash;
}

uint64_t KeyTable::bits_of(double number) {
  if (std::isnan(number)) return std::bit_cast<uint64_t>(std::numeric_limits<double>::quiet_NaN());
  return std::bit_cast<uint64_t>(number + 0.0);
}

KeyTable::KeyTable(Tensor keys) : keys_(std::move(keys)) {
  bool floats = dtype_kind(keys_.dtype()) == 'f';
  for (int64_t i = 0; i < keys_.count(); ++i) {
    uint64_t key = 0;
    if (of_strings())
      key = hash_of(keys_.data<std::string>()[i]);
    else if (floats)
      key = bits_of(keys_.number(i));
    else
      load_run(keys_.dtype(), keys_.data(), i, Compute::kI64, &key, 1);
    places_.emplace_back(key, static_cast<int32_t>(i));
  }
  sort_keys(places_);
}

int32_t KeyTable::find_bits(uint64_t bits) const {
  auto at = first_of(places_, bits);
  return at != places_.end() && at->first == bits ? at->second : -1;
}

int32_t KeyTable::find(int64_t number) const {
  return dtype_kind(keys_.dtype()) == 'f' ? find(static_cast<double>(number))
                                          : find_bits(static_cast<uint64_t>(number));
}

int32_t KeyTable::find(std::string_view text) const {
  uint64_t hash = hash_of(text);
  for (auto at = first_of(places_, hash); at != places_.end() && at->first == hash; ++at) {
    if (keys_.data<std::string>()[at->second] == text) return at->second;
  }
  return -1;
}

void KeyTable::find(const Tensor& in, int64_t at, size_t n, bool truncate, int32_t* places) const {
  if (of_strings()) {
    for (size_t i = 0; i < n; ++i) places[i] = find(in.data<std::string>()[at + static_cast<int64_t>(i)]);
  } else if (dtype_kind(in.dtype()) == 'f' && !truncate) {
    double run[kRun];
    load_run(in.dtype(), in.data(), at, Compute::kF64, run, n);
    for (size_t i = 0; i < n; ++i) places[i] = find(run[i]);
  } else {
    int64_t run[kRun];
    load_run(in.dtype(), in.data(), at, Compute::kI64, run, n);
    for (size_t i = 0; i < n; ++i) places[i] = find(run[i]);
  }
}

}  // namespace kinglet
