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
  std::vector<std::pair<size_t, Value>> feeds;
  std::vector<size_t> fetches;
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

// The feeds by name; the session has none any more.
std::vector<NamedValue> take_feeds(OpenSession& s) {
  std::vector<NamedValue> named;
  for (auto& [input, value] : std::exchange(s.feeds, {}))
    named.push_back({s.model.session->inputs()[input].name, std::move(value)});
  return named;
}

Status place(OpenSession& s) {
  s.results.clear();
  std::vector<size_t> inputs;
  for (auto& [input, value] : s.feeds) inputs.push_back(input);
  auto named = take_feeds(s);
  KL_TRY(s.model.session->place(named));
  for (size_t i = 0; i < inputs.size(); ++i) s.feeds.emplace_back(inputs[i], std::move(named[i].value));
  return {};
}

Status run(OpenSession& s) {
  auto named = take_feeds(s);
  auto fetches = std::exchange(s.fetches, {});
  s.results.clear();
  for (const NamedValue& feed : named) {
    const Tensor* t = feed.value.tensor();
    KL_REQUIRE(t == nullptr || t->data() != nullptr, kInvalidArgument, "input '", feed.name,
               "' has no elements yet");
  }
  Session& session = *s.model.session;
  std::vector<std::string_view> names;
  for (size_t output : fetches) names.push_back(session.outputs()[output].name);
  return session.run(named, names, &s.results);
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

Done kl_session_feed(Handle session, Size input, Handle value) {
  return on_open(session, [&](OpenSession& s) -> Status {
    KL_REQUIRE(input < s.model.session->inputs().size(), kInvalidArgument, "there is no input ", input);
    KL_ASSIGN(Value held, value_of(value));
    s.feeds.emplace_back(input, std::move(held));
    return {};
  });
}

Done kl_session_feed_later(Handle session, Size input, int32_t dtype, const int64_t* dims, Size dims_length) {
  return on_open(session, [&](OpenSession& s) -> Status {
    KL_REQUIRE(input < s.model.session->inputs().size(), kInvalidArgument, "there is no input ", input);
    KL_REQUIRE(is_dtype(dtype) && dtype != static_cast<int>(DType::kString), kInvalidArgument,
               "element type ", dtype);
    KL_ASSIGN(Shape shape, shape_from({dims, dims_length}));
    KL_TRY(std::move(checked_count(shape).status()));
    s.feeds.emplace_back(input, Tensor(static_cast<DType>(dtype), shape, nullptr));
    return {};
  });
}

Done kl_session_place(Handle session) {
  return on_open(session, [](OpenSession& s) { return place(s); });
}

Address kl_session_feed_data(Handle session, Size input) {
  auto s = opened(session);
  if (!s.ok()) return nullptr;
  for (const auto& [at, value] : (*s)->feeds)
    if (const Tensor* t = value.tensor(); at == input && t != nullptr) return t->data();
  return nullptr;
}

Done kl_session_fetch(Handle session, Size output) {
  return on_open(session, [&](OpenSession& s) -> Status {
    KL_REQUIRE(output < s.model.session->outputs().size(), kInvalidArgument, "there is no output ", output);
    s.fetches.push_back(output);
    return {};
  });
}

Done kl_session_run(Handle session) {
  return on_open(session, [](OpenSession& s) { return run(s); });
}

Handle kl_session_result(Handle session, Size index) {
  return put_result([&]() -> Result<Value> {
    KL_ASSIGN(SessionRef s, opened(session));
    KL_REQUIRE(index < s->results.size(), kInvalidArgument, "there is no result ", index);
    return std::exchange(s->results[index], {});
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
