#include "fuzz/hostile/mutate.h"

#include <algorithm>
#include <cstring>

namespace kinglet::hostile {

namespace {

// A field and the list that it stands in.
struct Place {
  std::vector<Field>* list;
  size_t index;
  Field& field() const { return (*list)[index]; }
};

void places_in(std::vector<Field>& list, std::vector<Place>* out) {
  for (size_t i = 0; i < list.size(); ++i) {
    out->push_back({&list, i});
    places_in(list[i].children, out);
  }
}

bool is(const Field& f, Kind parent, std::initializer_list<uint32_t> numbers) {
  return f.parent == parent && std::ranges::find(numbers, f.number) != numbers.end();
}
bool is_edge(const Field& f) {
  return is(f, Kind::kNode, {1, 2}) || is(f, Kind::kValueInfo, {1}) || is(f, Kind::kTensor, {8});
}
bool is_dtype(const Field& f) { return is(f, Kind::kTensor, {2}) || is(f, Kind::kTensorType, {1}); }
bool is_weights(const Field& f) { return is(f, Kind::kTensor, {4, 5, 7, 9, 10, 11}); }

uint64_t hostile_float(Random& random) {
  static constexpr float kFloats[] = {0,
                                      -0.0f,
                                      1,
                                      -1,
                                      0.5f,
                                      2,
                                      1e-30f,
                                      1e30f,
                                      -1e30f,
                                      3e9f,
                                      1e10f,
                                      __builtin_inff(),
                                      -__builtin_inff(),
                                      __builtin_nanf("")};
  uint32_t bits;
  std::memcpy(&bits, &kFloats[random.below(std::size(kFloats))], sizeof bits);
  return random.one_in(8) ? random.next() & 0xffffffff : bits;
}

// Elements of a tensor: one of them becomes hostile, or the list another length.
void change_weights(std::string& bytes, size_t element, Random& random) {
  if (random.one_in(3) || bytes.size() < element) {
    bytes.resize(random.one_in(2) ? bytes.size() / 2 : bytes.size() + 1 + random.below(16));
    return;
  }
  int64_t number = 0;
  size_t at = random.below(bytes.size() / element) * element;
  std::memcpy(&number, &bytes[at], element);
  if (element == 4 && random.one_in(2))
    number = static_cast<int64_t>(hostile_float(random));
  else
    number = hostile_integer(random, number);
  std::memcpy(&bytes[at], &number, element);
}

void change_value(Field& f, const std::vector<Place>& places, const Donors& donors, Random& random) {
  if (f.wire == 0) {
    if (is_dtype(f) && !random.one_in(8))
      f.value = random.below(27);
    else if (is(f, Kind::kOpset, {2}) && !random.one_in(8))
      f.value = 1 + random.below(24);
    else if (is(f, Kind::kAttribute, {20}) && !random.one_in(8))
      f.value = random.below(15);
    else
      f.value = static_cast<uint64_t>(hostile_integer(random, static_cast<int64_t>(f.value)));
  } else if (f.wire == 5) {
    f.value = hostile_float(random);
  } else if (f.wire == 1) {
    f.value = random.next();
  } else if (is_weights(f)) {
    change_weights(f.bytes, size_t{1} << random.below(4), random);
  } else if (is(f, Kind::kNode, {4})) {
    f.bytes = random.pick(donors.operators);
  } else if (is(f, Kind::kNode, {7}) || is(f, Kind::kOpset, {1})) {
    f.bytes = random.pick(donors.domains);
  } else {
    // A name or a text: another one of its kind, none, or a new one.
    std::vector<const Field*> others;
    for (const Place& p : places) {
      const Field& o = p.field();
      if (o.wire == 2 && o.kind == Kind::kNone &&
          (is_edge(f) ? is_edge(o) : o.parent == f.parent && o.number == f.number))
        others.push_back(&o);
    }
    if (!others.empty() && !random.one_in(4))
      f.bytes = std::string(random.pick(others)->bytes);
    else if (random.one_in(2))
      f.bytes.clear();
    else
      f.bytes += "x";
  }
}

void change_once(std::vector<Field>& model, const Donors& donors, Random& random) {
  std::vector<Place> places;
  places_in(model, &places);
  if (places.empty()) return;
  Place place = random.pick(places);
  // Names of nodes and texts for people matter little: try again once.
  if (is(place.field(), Kind::kNode, {3, 6}) || place.field().parent == Kind::kModel)
    place = random.pick(places);
  Field& f = place.field();
  auto at = place.list->begin() + static_cast<std::ptrdiff_t>(place.index);
  if (f.kind == Kind::kNone && !random.one_in(5)) return change_value(f, places, donors, random);
  switch (random.below(6)) {
    case 0:
      place.list->erase(at);
      break;
    case 1: {
      Field copy = f;
      place.list->insert(at, std::move(copy));
      break;
    }
    case 2:
      std::swap(f, (*place.list)[random.below(place.list->size())]);
      break;
    case 3: {
      // Another field of this sort instead.
      std::vector<const Field*> others;
      for (const Place& p : places) {
        if (p.field().parent == f.parent && p.field().number == f.number) others.push_back(&p.field());
      }
      Field copy = *random.pick(others);
      f = std::move(copy);
      break;
    }
    case 4:
      if (f.kind == Kind::kAttribute && !donors.attributes.empty()) {
        Field copy = random.pick(donors.attributes);
        f = std::move(copy);
      } else if (f.kind == Kind::kNode && !donors.attributes.empty()) {
        Field copy = random.pick(donors.attributes);
        copy.parent = Kind::kNode;
        f.children.push_back(std::move(copy));
      } else if (f.kind == Kind::kShape) {
        Field dim{.number = 1, .wire = 2, .parent = Kind::kShape, .kind = Kind::kDim};
        dim.children.push_back({.number = 1, .parent = Kind::kDim, .value = random.below(5)});
        f.children.push_back(std::move(dim));
      } else if (f.kind == Kind::kTensor) {
        f.children.insert(f.children.begin(), {.number = 1,
                                               .parent = Kind::kTensor,
                                               .value = static_cast<uint64_t>(hostile_integer(random, 1))});
      }
      break;
    default:
      if (!f.children.empty())
        std::swap(f.children[random.below(f.children.size())].number, f.children.back().number);
      break;
  }
}

}  // namespace

int64_t hostile_integer(Random& random, int64_t value) {
  static constexpr int64_t kNumbers[] = {0,
                                         1,
                                         -1,
                                         2,
                                         3,
                                         7,
                                         8,
                                         16,
                                         100,
                                         127,
                                         -128,
                                         255,
                                         256,
                                         1000,
                                         -1000,
                                         32767,
                                         65535,
                                         65536,
                                         1 << 20,
                                         INT32_MAX,
                                         INT32_MIN,
                                         1LL << 31,
                                         1LL << 32,
                                         1LL << 33,
                                         1LL << 40,
                                         1LL << 62,
                                         INT64_MAX,
                                         INT64_MIN,
                                         INT64_MAX - 1};
  auto wrapped = static_cast<uint64_t>(value);
  switch (random.below(6)) {
    case 0:
      return static_cast<int64_t>(wrapped + 1);
    case 1:
      return static_cast<int64_t>(wrapped - 1);
    case 2:
      return static_cast<int64_t>(0 - wrapped);
    case 3:
      return static_cast<int64_t>(random.below(12)) - 3;
    case 4:
      return static_cast<int64_t>(wrapped * 2);
    default:
      return kNumbers[random.below(std::size(kNumbers))];
  }
}

void collect_donors(const std::vector<Field>& model, Donors* donors) {
  for (const Field& f : model) {
    if (is(f, Kind::kNode, {4})) donors->operators.push_back(f.bytes);
    if (is(f, Kind::kNode, {7}) || is(f, Kind::kOpset, {1})) donors->domains.push_back(f.bytes);
    if (f.kind == Kind::kAttribute && write(f.children).size() < 200) donors->attributes.push_back(f);
    collect_donors(f.children, donors);
  }
}

void mutate(std::vector<Field>& model, const Donors& donors, Random& random) {
  size_t changes = 1;
  while (changes < 5 && random.one_in(2)) ++changes;
  for (size_t i = 0; i < changes; ++i) change_once(model, donors, random);
}

}  // namespace kinglet::hostile
