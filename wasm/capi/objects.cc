#include "capi/objects.h"

#include <cstdlib>
#include <cstring>
#include <vector>

namespace kinglet::capi {

namespace {

// A handle is a slot's place + 1 in the low 20 bits and the slot's generation above, so that a handle used
// after its release does not find the slot's next object.
constexpr uint32_t kPlaceBits = 20;
constexpr uint32_t kPlaceMask = (1u << kPlaceBits) - 1;

struct Slot {
  uint32_t generation = 0;
  Object object;
};

struct Table {
  std::vector<Slot> slots;
  std::vector<uint32_t> vacant;
  Status error;
};

Table& table() {
  static Table* the_table = new Table;
  return *the_table;
}

template <class T>
Result<T> held(Handle handle, const char* expected) {
  Object* object = get(handle);
  T* held = object ? std::get_if<T>(object) : nullptr;
  if (!held) return fail(Code::kInvalidArgument, "handle ", handle, " is not ", expected);
  return *held;
}

}  // namespace

Handle put(Object object) {
  Table& t = table();
  uint32_t place;
  if (!t.vacant.empty()) {
    place = t.vacant.back();
    t.vacant.pop_back();
  } else {
    place = static_cast<uint32_t>(t.slots.size());
    if (place >= kPlaceMask) {
      keep(fail(Code::kLimitExceeded, "more than ", kPlaceMask, " objects are alive"));
      return 0;
    }
    t.slots.emplace_back();
  }
  Slot& slot = t.slots[place];
  slot.object = std::move(object);
  return slot.generation << kPlaceBits | (place + 1);
}

Object* get(Handle handle) {
  Table& t = table();
  uint32_t place = (handle & kPlaceMask) - 1;
  if (place >= t.slots.size()) return nullptr;
  Slot& slot = t.slots[place];
  bool alive = !std::holds_alternative<std::monostate>(slot.object);
  return alive && slot.generation == handle >> kPlaceBits ? &slot.object : nullptr;
}

void drop(Handle handle) {
  Object* object = get(handle);
  if (!object) return;
  Table& t = table();
  uint32_t place = (handle & kPlaceMask) - 1;
  *object = std::monostate{};
  Slot& slot = t.slots[place];
  slot.generation = (slot.generation + 1) & ((1u << (32 - kPlaceBits)) - 1);
  t.vacant.push_back(place);
}

size_t live_objects() { return table().slots.size() - table().vacant.size(); }

Result<Bytes> bytes_of(Handle handle) { return held<Bytes>(handle, "a bytes object"); }
Result<Value> value_of(Handle handle) { return held<Value>(handle, "a value"); }
Result<SessionRef> session_of(Handle handle) { return held<SessionRef>(handle, "a session"); }
Result<Tensor> tensor_of(Handle handle) {
  KL_ASSIGN(Value value, value_of(handle));
  KL_REQUIRE(value.tensor(), kInvalidArgument, "handle ", handle, " is not a tensor");
  return *value.tensor();
}

bool keep(Status status) {
  bool ok = status.ok();
  if (!ok) table().error = std::move(status);
  return ok;
}

const Status& last_error() { return table().error; }

Text put_text(std::string_view text) {
  // Not held to the limit on buffers: a failure must have words when that is reached.
  void* data = std::malloc(text.size() + 1);
  if (data == nullptr) {
    keep(fail(Code::kOutOfMemory, text.size(), " bytes asked for a text"));
    return 0;
  }
  std::memcpy(data, text.data(), text.size());
  return put(Buffer::adopt(data, text.size()));
}

Handle put_result(Result<Value> value) {
  if (!keep(std::move(value.status()))) return 0;
  return put(std::move(*value));
}

}  // namespace kinglet::capi
