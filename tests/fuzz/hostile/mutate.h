#pragma once
// Changes to a model that keep it a protobuf message: dims, attributes, types, edges, counts, opsets,
// operators.
#include <string>
#include <vector>

#include "fuzz/hostile/wire.h"

namespace kinglet::hostile {

// The same numbers on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    // splitmix64's step
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  size_t below(size_t limit) { return limit == 0 ? 0 : static_cast<size_t>(next() % limit); }
  bool one_in(size_t n) { return below(n) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

 private:
  uint64_t state_;
};

// A number that tends to break things, or one near `value`.
int64_t hostile_integer(Random& random, int64_t value);

// Parts of other models to put into this one.
struct Donors {
  std::vector<std::string> operators, domains;
  std::vector<Field> attributes;
};
void collect_donors(const std::vector<Field>& model, Donors* donors);

// One to five changes.
void mutate(std::vector<Field>& model, const Donors& donors, Random& random);

}  // namespace kinglet::hostile
