// Calls that make and read values, and the general ones.
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/checked.h"
#include "base/json.h"
#include "capi/abi.h"
#include "capi/objects.h"
#include "ops/registry.h"

namespace kinglet::capi {

namespace {

int32_t trap_cause = 0;

// operator new has no other way to report a failure in a build without exceptions.
[[noreturn]] void no_memory() {
  trap_cause = 1;
  __builtin_trap();
}

// Beyond the end of tensors' memory, which kernels may read.
constexpr size_t kSlack = 16;

Bytes& scratch_bytes() {
  static Bytes* bytes = new Bytes;
  return *bytes;
}

Result<Value> strings_from(const Shape& shape, const Bytes& packed) {
  KL_ASSIGN(int64_t count, checked_count(shape));
  size_t n = static_cast<size_t>(count);
  size_t head = n * sizeof(uint32_t);
  const char* bytes = reinterpret_cast<const char*>(packed->data());
  KL_REQUIRE(n <= packed->bytes() / sizeof(uint32_t), kInvalidArgument, n, " strings in ", packed->bytes(),
             " bytes");
  KL_ASSIGN(Tensor tensor, Tensor::allocate(DType::kString, shape));
  size_t at = head;
  for (size_t i = 0; i < n; ++i) {
    uint32_t length;
    std::memcpy(&length, bytes + i * sizeof(uint32_t), sizeof length);
    KL_REQUIRE(length <= packed->bytes() - at, kInvalidArgument, "string ", i, " reaches beyond its bytes");
    tensor.data<std::string>()[i].assign(bytes + at, length);
    at += length;
  }
  return Value(std::move(tensor));
}

Result<Bytes> strings_to(const Tensor& tensor) {
  KL_REQUIRE(tensor.dtype() == DType::kString, kInvalidArgument, "a tensor of ", tensor.dtype(),
             " has no strings");
  auto strings = tensor.values<std::string>();
  size_t head = strings.size() * sizeof(uint32_t), total = head;
  for (const auto& s : strings) {
    KL_ASSIGN(total, checked_add(total, s.size()));
  }
  KL_ASSIGN(Bytes packed, Buffer::allocate_uninitialized(total));
  std::byte* lengths = packed->data();
  std::byte* texts = packed->data() + head;
  for (const auto& s : strings) {
    uint32_t length = static_cast<uint32_t>(s.size());
    std::memcpy(lengths, &length, sizeof length);
    std::memcpy(texts, s.data(), s.size());
    lengths += sizeof length;
    texts += s.size();
  }
  return packed;
}

Result<Value> tensor_from(int32_t dtype, const int64_t* dims, size_t rank) {
  KL_REQUIRE(is_dtype(dtype) && dtype != static_cast<int>(DType::kString), kInvalidArgument, "element type ",
             dtype);
  KL_ASSIGN(Shape shape, shape_from({dims, rank}));
  KL_ASSIGN(Tensor tensor, Tensor::allocate_uninitialized(static_cast<DType>(dtype), shape));
  return Value(std::move(tensor));
}

Result<Value> map_from(Handle keys, Handle values) {
  KL_ASSIGN(Tensor key_tensor, tensor_of(keys));
  KL_ASSIGN(Value held, value_of(values));
  KL_REQUIRE(key_tensor.rank() == 1, kInvalidArgument, "map keys have ", key_tensor.rank(), " dimensions");
  int64_t entries = -1;
  if (const Tensor* t = held.tensor(); t && t->rank() == 1) entries = t->count();
  if (const Sequence* s = held.sequence()) entries = static_cast<int64_t>(s->size());
  KL_REQUIRE(entries == key_tensor.count(), kInvalidArgument, key_tensor.count(), " keys but ", entries,
             " values");
  return Value(Map{std::move(key_tensor), std::move(held)});
}

// The tensor named by `handle`, or null.
const Tensor* peek(Handle handle) {
  Object* object = get(handle);
  Value* value = object ? std::get_if<Value>(object) : nullptr;
  return value ? value->tensor() : nullptr;
}

}  // namespace

const Bytes& scratch() { return scratch_bytes(); }

}  // namespace kinglet::capi

using namespace kinglet;
using namespace kinglet::capi;

Address kl_scratch(Size bytes) {
  Bytes& held = scratch_bytes();
  if (!held || bytes > held->bytes()) {
    held = nullptr;
    // Not held to the limit on buffers, as it serves for arguments of any call.
    void* data = bytes <= SIZE_MAX - kSlack ? std::malloc(bytes + kSlack) : nullptr;
    if (data == nullptr) return nullptr;
    held = Buffer::borrow(data, bytes, std::shared_ptr<void>(data, std::free));
  }
  return held->data();
}

Text kl_last_error() {
  const Status& status = last_error();
  if (status.ok()) return put_text("{}");
  std::string out;
  auto field = [&](std::string_view name, std::string_view text) {
    out += out.empty() ? "{" : ",";
    append_json(out, name);
    out += ":";
    append_json(out, text);
  };
  field("code", code_name(status.code()));
  field("meaning", code_meaning(status.code()));
  field("detail", status.detail());
  field("message", status.message());
  field("fixer", code_fixer(status.code()));
  out += ",\"context\":{";
  const char* separator = "";
  for (const auto& [key, value] : status.context()) {
    out += separator;
    separator = ",";
    append_json(out, key);
    out += ":";
    append_json(out, value);
  }
  out += "}}";
  return put_text(out);
}

Address kl_trap_cause() {
  std::set_new_handler(no_memory);
  return &trap_cause;
}

void kl_release(Handle object) { drop(object); }
Size kl_live_objects() { return live_objects(); }
Size kl_live_bytes() { return Buffer::live_bytes(); }

Text kl_operators() {
  std::string out;
  for (const OpDef* def : all_ops()) {
    const char* form = def->expand ? "composed" : def->eval ? "values" : "kernel";
    out += str(def->domain.empty() ? "ai.onnx" : def->domain, "|", def->name, "|", form, "|", def->signature,
               "\n");
  }
  return put_text(out);
}

void kl_set_memory_limit(Size bytes) { Buffer::set_limit(bytes); }

Handle kl_bytes_new(Size bytes) {
  auto buffer = Buffer::allocate_uninitialized(bytes);
  return keep(std::move(buffer.status())) ? put(*buffer) : 0;
}

Address kl_bytes_data(Handle bytes) {
  auto held = bytes_of(bytes);
  return held.ok() ? (*held)->data() : nullptr;
}

Size kl_bytes_size(Handle bytes) {
  auto held = bytes_of(bytes);
  return held.ok() ? (*held)->bytes() : 0;
}

Handle kl_none_new() { return put(Value()); }

Handle kl_tensor_new(int32_t dtype, const int64_t* dims, Size dims_length) {
  return put_result(tensor_from(dtype, dims, dims_length));
}

Handle kl_strings_new(const int64_t* dims, Size dims_length, Handle packed) {
  return put_result([&]() -> Result<Value> {
    KL_ASSIGN(Shape shape, shape_from({dims, dims_length}));
    KL_ASSIGN(Bytes bytes, bytes_of(packed));
    return strings_from(shape, bytes);
  }());
}

Handle kl_sequence_new() { return put(Value(Sequence())); }

Done kl_sequence_push(Handle sequence, Handle value) {
  return keep([&]() -> Status {
    KL_ASSIGN(Value list, value_of(sequence));
    KL_ASSIGN(Value item, value_of(value));
    KL_REQUIRE(list.sequence(), kInvalidArgument, "handle ", sequence, " is not a sequence");
    KL_REQUIRE(list.sequence() != item.sequence(), kInvalidArgument, "a sequence cannot hold itself");
    const_cast<Sequence*>(list.sequence())->push_back(std::move(item));
    return {};
  }());
}

Handle kl_map_new(Handle keys, Handle values) { return put_result(map_from(keys, values)); }

int32_t kl_value_kind(Handle value) {
  Object* object = get(value);
  Value* held = object ? std::get_if<Value>(object) : nullptr;
  if (!held) return -1;
  return held->tensor() ? 1 : held->sequence() ? 2 : held->map() ? 3 : 0;
}

int32_t kl_tensor_dtype(Handle tensor) {
  const Tensor* t = peek(tensor);
  return t ? static_cast<int32_t>(t->dtype()) : 0;
}

Size kl_tensor_rank(Handle tensor) {
  const Tensor* t = peek(tensor);
  return t ? t->shape().size() : 0;
}

Address kl_tensor_dims(Handle tensor) {
  const Tensor* t = peek(tensor);
  return t ? const_cast<int64_t*>(t->shape().begin()) : nullptr;
}

Address kl_tensor_data(Handle tensor) {
  const Tensor* t = peek(tensor);
  return t && t->dtype() != DType::kString ? t->data() : nullptr;
}

Size kl_tensor_bytes(Handle tensor) {
  const Tensor* t = peek(tensor);
  return t && t->dtype() != DType::kString ? t->bytes() : 0;
}

Handle kl_tensor_strings(Handle tensor) {
  auto held = tensor_of(tensor);
  if (!keep(std::move(held.status()))) return 0;
  auto packed = strings_to(*held);
  return keep(std::move(packed.status())) ? put(*packed) : 0;
}

Size kl_sequence_length(Handle sequence) {
  auto value = value_of(sequence);
  return value.ok() && value->sequence() ? value->sequence()->size() : 0;
}

Handle kl_sequence_item(Handle sequence, Size index) {
  return put_result([&]() -> Result<Value> {
    KL_ASSIGN(Value list, value_of(sequence));
    KL_REQUIRE(list.sequence(), kInvalidArgument, "handle ", sequence, " is not a sequence");
    KL_REQUIRE(index < list.sequence()->size(), kInvalidArgument, "item ", index, " of ",
               list.sequence()->size());
    return (*list.sequence())[index];
  }());
}

Handle kl_map_keys(Handle map) {
  return put_result([&]() -> Result<Value> {
    KL_ASSIGN(Value held, value_of(map));
    KL_REQUIRE(held.map(), kInvalidArgument, "handle ", map, " is not a map");
    return Value(held.map()->keys);
  }());
}

Handle kl_map_values(Handle map) {
  return put_result([&]() -> Result<Value> {
    KL_ASSIGN(Value held, value_of(map));
    KL_REQUIRE(held.map(), kInvalidArgument, "handle ", map, " is not a map");
    return held.map()->values;
  }());
}
