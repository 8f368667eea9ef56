#pragma once
// What handles name. JavaScript holds numbers; every use of one is checked here.
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/value.h"
#include "capi/abi.h"

namespace kinglet::capi {

struct OpenSession;  // engine.cc

using Bytes = std::shared_ptr<Buffer>;
using SessionRef = std::shared_ptr<OpenSession>;
using Object = std::variant<std::monostate, Bytes, Value, SessionRef>;

// A handle for `object`, or 0 with the failure kept when too many are alive.
Handle put(Object object);
// Null when `handle` does not name a living object. Valid until the next put or drop.
Object* get(Handle handle);
void drop(Handle handle);
size_t live_objects();

// The object as a T, or a failure that says what was expected.
Result<Bytes> bytes_of(Handle handle);
Result<Value> value_of(Handle handle);
Result<Tensor> tensor_of(Handle handle);
Result<SessionRef> session_of(Handle handle);

// What kl_scratch gave last; null before that. New memory gets a new buffer.
const Bytes& scratch();

// Keeps `status` for kl_last_error. True when it is a success.
bool keep(Status status);
const Status& last_error();
// A handle for the text, or 0.
Text put_text(std::string_view text);
// A handle for the value, or 0 with the failure kept.
Handle put_result(Result<Value> value);

}  // namespace kinglet::capi
