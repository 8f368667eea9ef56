// Calls that open and run sessions.
#include <algorithm>
#include <cstdlib>

#include "base/json.h"
#include "capi/objects.h"
#include "capi/open.h"
#include "runtime/threads.h"

namespace kinglet::capi {

struct OpenSession {
  Bytes file;  // the model's
  std::vector<ExternalFile> files;
  OpenOptions options;
  OpenedModel model;
  std::vector<Value> results;
};

namespace {

// Of the runs of all sessions, which follow one another.
ThreadPool pool;
constexpr size_t kHelperStack = 512 << 10;

// The session once it is open.
Result<SessionRef> opened(Handle handle) {
  KL_ASSIGN(SessionRef s, session_of(handle));
  KL_REQUIRE(s->model.session, kInvalidArgument, "the session is not open");
  return s;
}

// {"kind":"tensor","dtype":"float32","shape":["N",3]}; an unnamed unknown extent is "".
void append_type(std::string& out, const Type& type) {
  static constexpr std::string_view kKinds[] = {"unknown", "tensor", "sequence", "optional", "map"};
  out += str("{\"kind\":\"", kKinds[static_cast<size_t>(type.kind)], "\"");
  if (type.dtype != DType::kNone) out += str(",\"dtype\":\"", type.dtype, "\"");
  if (type.has_shape) {
    out += ",\"shape\":[";
    const char* separator = "";
    for (const Dim& dim : type.dims) {
      out += separator;
      separator = ",";
      if (dim.value >= 0)
        append(out, dim.value);
      else
        append_json(out, dim.symbol);
    }
    out += "]";
  }
  if (type.element) {
    out += ",\"element\":";
    append_type(out, *type.element);
  }
  out += "}";
}

void append_ports(std::string& out, std::string_view key, const std::vector<SessionPort>& ports) {
  out += str("\"", key, "\":[");
  const char* separator = "";
  for (const SessionPort& port : ports) {
    out += str(separator, "{\"name\":");
    separator = ",";
    append_json(out, port.name);
    out += ",\"text\":";
    append_json(out, str(port.type));
    out += ",\"type\":";
    append_type(out, port.type);
    out += "}";
  }
  out += "]";
}

Status open(OpenSession& s, bool optimize, bool profile) {
  KL_REQUIRE(!s.model.session, kInvalidArgument, "the session is open already");
  KL_REQUIRE(s.file, kInvalidArgument, "there is no model");
  s.options.optimize = optimize;
  s.options.profile = profile;
  s.options.pool = &pool;
  KL_ASSIGN(s.model, open_model(std::exchange(s.file, {}), std::exchange(s.files, {}), s.options));
  return {};
}

Status set_feed(const Exchange& feed, Value* value) {
  if (feed.value != 0) {
    KL_ASSIGN(*value, value_of(feed.value));
    return {};
  }
  KL_REQUIRE(is_dtype(feed.dtype) && feed.dtype != static_cast<int>(DType::kString), kInvalidArgument,
             "element type ", feed.dtype);
  DType dtype = static_cast<DType>(feed.dtype);
  KL_ASSIGN(Shape shape, shape_from({feed.dims, feed.rank}));
  KL_ASSIGN(int64_t count, checked_count(shape));
  KL_ASSIGN(size_t bytes, checked_bytes(dtype, count));
  KL_REQUIRE(bytes == feed.bytes, kInvalidInput, feed.bytes, " bytes for a tensor ", dtype, shape);
  if (feed.data == nullptr) {
    *value = Tensor(dtype, shape, nullptr);
    return {};
  }
  const Bytes& memory = scratch();
  auto at =
      reinterpret_cast<uintptr_t>(feed.data) - reinterpret_cast<uintptr_t>(memory ? memory->data() : nullptr);
  KL_REQUIRE(memory && at <= memory->bytes() && bytes <= memory->bytes() - at, kInvalidArgument,
             "elements that are not in the scratch memory");
  *value = Tensor(dtype, shape, memory, at);
  return {};
}

Status set_feeds(Session& session, std::span<const Exchange> exchanges) {
  auto feeds = session.new_feeds();
  for (const Exchange& feed : exchanges) {
    KL_REQUIRE(feed.port < feeds.size(), kInvalidArgument, "there is no input ", feed.port);
    KL_TRY(set_feed(feed, &feeds[feed.port]));
  }
  return session.prepare();
}

Status feed(OpenSession& s, std::span<Exchange> exchanges) {
  Session& session = *s.model.session;
  s.results.clear();
  if (Status status = set_feeds(session, exchanges); !status.ok()) {
    session.new_feeds();
    return status;
  }
  for (Exchange& feed : exchanges)
    if (const Tensor* t = session.feeds()[feed.port].tensor(); t != nullptr && feed.data == nullptr)
      feed.data = t->data();
  return {};
}

Status run(OpenSession& s, std::span<Exchange> exchanges) {
  KL_TRY(s.model.session->run(&s.results));
  for (Exchange& result : exchanges) {
    KL_REQUIRE(result.port < s.results.size(), kInvalidArgument, "there is no output ", result.port);
    const Tensor* t = s.results[result.port].tensor();
    if (t == nullptr || t->dtype() == DType::kString) {
      result.dtype = 0;
    } else {
      result = {
          result.port, 0,        static_cast<int32_t>(t->dtype()), t->shape().size(), t->shape().begin(),
          t->bytes(),  t->data()};
    }
  }
  return {};
}

// Keeps the outcome of `action(session)`, for an open session.
template <class Action>
Done on_open(Handle handle, Action&& action) {
  return keep([&]() -> Status {
    KL_ASSIGN(SessionRef s, opened(handle));
    return action(*s);
  }());
}

// A text made from an open session: action(session) gives a string or a failure.
template <class Action>
Text text_of(Handle handle, Action&& action) {
  auto s = opened(handle);
  if (!keep(std::move(s.status()))) return 0;
  Result<std::string> text = action(**s);
  return keep(std::move(text.status())) ? put_text(*text) : 0;
}

}  // namespace

}  // namespace kinglet::capi

using namespace kinglet;
using namespace kinglet::capi;

void kl_threads_set(int32_t threads) { pool.set_threads(std::clamp(threads, 1, 64)); }

Address kl_thread_stack() {
  void* stack = std::aligned_alloc(16, kHelperStack);
  return stack != nullptr ? static_cast<std::byte*>(stack) + kHelperStack : nullptr;
}

void kl_thread_help() { pool.help(); }

void kl_thread_lost() { pool.lose(); }

void kl_threads_end() { pool.stop(); }

Handle kl_session_new() { return put(std::make_shared<OpenSession>()); }

Done kl_session_file(Handle session, const char* path, Size path_length, Handle bytes) {
  return keep([&]() -> Status {
    KL_ASSIGN(SessionRef s, session_of(session));
    KL_ASSIGN(Bytes held, bytes_of(bytes));
    if (path_length == 0)
      s->file = std::move(held);
    else
      s->files.push_back({std::string(path, path_length), std::move(held)});
    return {};
  }());
}

Done kl_session_dimension(Handle session, const char* name, Size name_length, int64_t value) {
  return keep([&]() -> Status {
    KL_ASSIGN(SessionRef s, session_of(session));
    KL_REQUIRE(value >= 0, kInvalidArgument, "extent ", value, " of a dimension");
    s->options.free_dimensions.emplace_back(std::string(name, name_length), value);
    return {};
  }());
}

Done kl_session_open(Handle session, int32_t optimize, int32_t profile) {
  return keep([&]() -> Status {
    KL_ASSIGN(SessionRef s, session_of(session));
    return open(*s, optimize != 0, profile != 0);
  }());
}

Done kl_session_carry(Handle session, Size input, Size output) {
  return on_open(session, [&](OpenSession& s) { return s.model.session->carry(input, output); });
}

Text kl_session_describe(Handle session) {
  return text_of(session, [](OpenSession& s) {
    std::string out = "{";
    append_ports(out, "inputs", s.model.session->inputs());
    out += ",";
    append_ports(out, "outputs", s.model.session->outputs());
    out += s.model.may_loop() ? ",\"loops\":true}" : ",\"loops\":false}";
    return out;
  });
}

Done kl_session_feed(Handle session, Exchange* feeds, Size feeds_count) {
  return on_open(session, [&](OpenSession& s) { return feed(s, {feeds, feeds_count}); });
}

Done kl_session_run(Handle session, Exchange* results, Size results_count) {
  return on_open(session, [&](OpenSession& s) { return run(s, {results, results_count}); });
}

Handle kl_session_result(Handle session, Size output) {
  return put_result([&]() -> Result<Value> {
    KL_ASSIGN(SessionRef s, opened(session));
    KL_REQUIRE(output < s->results.size(), kInvalidArgument, "there is no result ", output);
    return std::exchange(s->results[output], {});
  }());
}

Address kl_session_cancel_flag(Handle session) {
  auto s = opened(session);
  return s.ok() ? (*s)->model.session->cancel().address() : nullptr;
}

Text kl_session_info(Handle session) {
  return text_of(session, [](OpenSession& s) { return s.model.info(); });
}

Text kl_session_profile(Handle session) {
  return text_of(session, [](OpenSession& s) { return s.model.session->profile().take_json(); });
}

Done kl_session_set_profiling(Handle session, int32_t on) {
  return on_open(session, [&](OpenSession& s) -> Status {
    Profile& profile = s.model.session->profile();
    if (on) profile.take_json();
    profile.on = on != 0;
    return {};
  });
}
