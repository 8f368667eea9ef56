#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.h"

namespace kinglet {

// Places by key, in order of both.
using KeyPlaces = std::vector<std::pair<uint64_t, int32_t>>;
void sort_keys(KeyPlaces& keys);
uint64_t hash_of(std::string_view bytes);
// The first place with this key.
KeyPlaces::const_iterator first_of(const KeyPlaces& sorted, uint64_t key);

// Finds numbers or strings in a list. NaN equals NaN, -0 equals 0; of equal keys the first counts.
class KeyTable {
 public:
  // One dimension of strings or of a numeric type; the tensor is kept.
  explicit KeyTable(Tensor keys);
  bool of_strings() const { return keys_.dtype() == DType::kString; }
  // The place in the list of each of n elements of `in` from `at` on, -1 where it is not there; `in` holds
  // strings exactly when the list does. n <= kRun. `truncate`: floats are looked up as integers.
  void find(const Tensor& in, int64_t at, size_t n, bool truncate, int32_t* places) const;
  int32_t find(std::string_view text) const;
  int32_t find(double number) const { return find_bits(bits_of(number)); }
  int32_t find(int64_t number) const;

 private:
  static uint64_t bits_of(double number);
  int32_t find_bits(uint64_t bits) const;
  Tensor keys_;
  KeyPlaces places_;  // by number, or by the hash of the text
};

}  // namespace kinglet
