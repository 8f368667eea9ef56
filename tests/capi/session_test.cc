// The exported calls on sessions, as JavaScript makes them.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "capi/abi.h"
#include "support/onnx_writer.h"

namespace {

using namespace kinglet;

std::string text_of(Text handle) {
  REQUIRE(handle != 0);
  std::string text(static_cast<const char*>(kl_bytes_data(handle)), kl_bytes_size(handle));
  kl_release(handle);
  return text;
}

std::string last_error() { return text_of(kl_last_error()); }

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

Handle bytes_of(std::string_view data) {
  Handle bytes = kl_bytes_new(data.size());
  if (!data.empty()) std::memcpy(kl_bytes_data(bytes), data.data(), data.size());
  return bytes;
}

// y = Concat(x, x) along axis 0, for float32[N,2].
std::string concat_model() {
  using testing::Proto;
  Proto dims;
  dims.message(1, Proto().bytes(2, "N")).message(1, Proto().integer(1, 2));
  Proto type;
  type.message(1, Proto().integer(1, 1).message(2, dims));
  Proto axis;
  axis.bytes(1, "axis").integer(3, 0).integer(20, 2);
  Proto node;
  node.bytes(1, "x").bytes(1, "x").bytes(2, "y").bytes(3, "n\"1\"").bytes(4, "Concat").message(5, axis);
  Proto out_dims;
  out_dims.message(1, Proto()).message(1, Proto().integer(1, 2));
  Proto out_type;
  out_type.message(1, Proto().integer(1, 1).message(2, out_dims));
  Proto graph;
  graph.message(1, node).bytes(2, "g").message(11, Proto().bytes(1, "x").message(2, type));
  graph.message(12, Proto().bytes(1, "y").message(2, out_type));
  Proto model;
  model.integer(1, 8).message(7, graph).message(8, Proto().bytes(1, "").integer(2, 17));
  return model.data();
}

Handle open(std::string_view data) {
  Handle session = kl_session_new();
  Handle model = bytes_of(data);
  Done given = kl_session_file(session, "", 0, model);
  kl_release(model);
  Done done = given && kl_session_open(session, 1, 0);
  if (done) return session;
  kl_release(session);
  return 0;
}

Handle floats(std::initializer_list<int64_t> dims, std::initializer_list<float> values) {
  Handle t = kl_tensor_new(1, dims.begin(), dims.size());
  REQUIRE(kl_tensor_bytes(t) == values.size() * sizeof(float));
  std::memcpy(kl_tensor_data(t), values.begin(), kl_tensor_bytes(t));
  return t;
}

// Feeds values by their handles.
Done feed(Handle session, std::initializer_list<std::pair<Size, Handle>> values) {
  std::vector<Exchange> feeds;
  for (auto [port, value] : values) feeds.push_back({port, value, 0, 0, nullptr, 0, nullptr});
  return kl_session_feed(session, feeds.data(), feeds.size());
}
Done run(Handle session) { return kl_session_run(session, nullptr, 0); }

struct Balanced {
  Size objects = kl_live_objects(), bytes = kl_live_bytes();
  ~Balanced() {
    CHECK(kl_live_objects() == objects);
    CHECK(kl_live_bytes() == bytes);
  }
};

}  // namespace

TEST_CASE("a session describes itself, runs, and gives everything back") {
  Balanced balanced;
  Handle session = open(concat_model());
  REQUIRE_MESSAGE(session != 0, last_error());
  CHECK(text_of(kl_session_describe(session)) ==
        "{\"inputs\":[{\"name\":\"x\",\"text\":\"float32[N,2]\",\"type\":{\"kind\":\"tensor\",\"dtype\":"
        "\"float32\",\"shape\":[\"N\",2]}}],\"outputs\":[{\"name\":\"y\",\"text\":\"float32[?,2]\",\"type\":{"
        "\"kind\":\"tensor\",\"dtype\":\"float32\",\"shape\":[\"\",2]}}],\"loops\":false}");
  for (int i = 0; i < 3; ++i) {
    Handle x = floats({1, 2}, {1, 2});
    CHECK(feed(session, {{0, x}}) == 1);
    kl_release(x);
    REQUIRE_MESSAGE(run(session) == 1, last_error());
    Handle y = kl_session_result(session, 0);
    REQUIRE(kl_tensor_rank(y) == 2);
    CHECK(static_cast<int64_t*>(kl_tensor_dims(y))[0] == 2);
    CHECK(static_cast<float*>(kl_tensor_data(y))[3] == 2);
    kl_release(y);
    CHECK(kl_session_result(session, 1) == 0);
  }
  CHECK(has(text_of(kl_session_info(session)), "Concat"));
  kl_release(session);
}

TEST_CASE("feeds are for one run") {
  Balanced balanced;
  Handle session = open(concat_model());
  Handle x = floats({1, 2}, {1, 2});
  CHECK(run(session) == 0);
  CHECK(feed(session, {{0, x}}) == 1);
  CHECK(run(session) == 1);
  CHECK(run(session) == 0);
  CHECK(has(last_error(), "without feeds"));
  CHECK(feed(session, {}) == 0);
  CHECK(has(last_error(), "missing_input"));
  CHECK(feed(session, {{0, x}, {1, x}}) == 0);
  CHECK(feed(session, {{0, session}}) == 0);
  CHECK(run(session) == 0);
  Exchange nothing{1, 0, 0, 0, nullptr, 0, nullptr};
  CHECK(feed(session, {{0, x}}) == 1);
  CHECK(kl_session_run(session, &nothing, 1) == 0);
  kl_release(x);
  kl_release(session);
}

TEST_CASE("elements go along with a feed, or follow once it is known where they are read") {
  Balanced balanced;
  Handle session = open(concat_model());
  int64_t dims[] = {1, 2};
  Exchange x{0, 0, 1, 2, dims, 2 * sizeof(float), nullptr}, y{0, 0, 0, 0, nullptr, 0, nullptr};
  for (float first : {1.0f, 5.0f, 9.0f}) {
    for (bool along : {false, true}) {
      auto* scratch = static_cast<float*>(kl_scratch(64));
      x.data = along ? scratch : nullptr;
      scratch[0] = first, scratch[1] = first + 1;
      REQUIRE_MESSAGE(kl_session_feed(session, &x, 1) == 1, last_error());
      auto* elements = static_cast<float*>(x.data);
      REQUIRE(elements != nullptr);
      CHECK((elements == scratch) == along);
      if (!along) elements[0] = first, elements[1] = first + 1;
      REQUIRE_MESSAGE(kl_session_run(session, &y, 1) == 1, last_error());
      CHECK(y.dtype == 1);
      REQUIRE(y.rank == 2);
      CHECK(y.dims[0] == 2);
      REQUIRE(y.bytes == 4 * sizeof(float));
      CHECK(static_cast<float*>(y.data)[2] == first);
      CHECK(static_cast<float*>(y.data)[3] == first + 1);
    }
  }
  // Results in somebody's hands stay as they are.
  Handle held = kl_session_result(session, 0);
  CHECK(kl_session_result(session, 1) == 0);
  x.data = nullptr;
  CHECK(kl_session_feed(session, &x, 1) == 1);
  std::memset(x.data, 0, x.bytes);
  CHECK(run(session) == 1);
  CHECK(static_cast<float*>(kl_tensor_data(held))[3] == 10);
  // Elements elsewhere, or more than there is room for; too few; of no numeric type; extents that are none.
  float own[2] = {};
  auto refused = [&](Exchange wrong, std::string_view why) {
    CHECK(kl_session_feed(session, &wrong, 1) == 0);
    std::string error = last_error();
    CHECK_MESSAGE(has(error, why), error);
    CHECK(run(session) == 0);
  };
  refused({0, 0, 1, 2, dims, 2 * sizeof(float), own}, "scratch");
  constexpr size_t kRoom = 1 << 20;
  auto* end = static_cast<std::byte*>(kl_scratch(kRoom)) + kRoom;
  refused({0, 0, 1, 2, dims, 2 * sizeof(float), end - 4}, "scratch");
  refused({0, 0, 1, 2, dims, sizeof(float), nullptr}, "invalid_input");
  for (int32_t dtype : {0, 8, 99, -1}) refused({0, 0, dtype, 2, dims, 8, nullptr}, "element type");
  refused({0, 0, 7, 2, dims, 16, nullptr}, "invalid_input");
  refused({1, 0, 1, 2, dims, 8, nullptr}, "no input 1");
  int64_t negative[] = {-1, 2}, large[] = {int64_t{1} << 62, 2};
  refused({0, 0, 1, 2, negative, 8, nullptr}, "invalid_shape");
  refused({0, 0, 1, 2, large, 8, nullptr}, "limit_exceeded");
  int64_t many[99] = {};
  refused({0, 0, 1, 99, many, 0, nullptr}, "limit_exceeded");
  for (Handle h : {held, session}) kl_release(h);
}

TEST_CASE("a failed run says where, and the next one works") {
  Balanced balanced;
  Handle session = open(concat_model());
  Handle wrong = floats({2}, {1, 2});
  CHECK(feed(session, {{0, wrong}}) == 0);
  std::string error = last_error();
  CHECK(has(error, "\"code\":\"invalid_input\""));
  CHECK(has(error, "\"input\":\"x\""));
  CHECK(has(error, "\"fixer\":\"developer\""));
  Handle right = floats({1, 2}, {1, 2});
  CHECK(feed(session, {{0, right}}) == 1);
  CHECK(run(session) == 1);
  for (Handle h : {wrong, right, session}) kl_release(h);
}

TEST_CASE("profiling is recorded only while it is on") {
  Balanced balanced;
  Handle session = open(concat_model());
  auto run_once = [&] {
    Handle x = floats({1, 2}, {1, 2});
    feed(session, {{0, x}});
    kl_release(x);
    REQUIRE(run(session) == 1);
  };
  CHECK(kl_session_set_profiling(session, 1) == 1);
  run_once();
  CHECK(has(text_of(kl_session_profile(session)), "n\\\"1\\\""));
  CHECK(kl_session_set_profiling(session, 0) == 1);
  run_once();
  CHECK(has(text_of(kl_session_profile(session)), "\"traceEvents\":[]"));
  kl_release(session);
}

TEST_CASE("a named dimension can be fixed before opening") {
  Balanced balanced;
  Handle session = kl_session_new();
  CHECK(kl_session_dimension(session, "N", 1, -1) == 0);
  CHECK(kl_session_dimension(session, "N", 1, 5) == 1);
  Handle model = bytes_of(concat_model());
  CHECK(kl_session_open(session, 1, 0) == 0);
  CHECK(kl_session_file(session, "", 0, model) == 1);
  CHECK(kl_session_open(session, 1, 0) == 1);
  CHECK(kl_session_open(session, 1, 0) == 0);
  CHECK(has(text_of(kl_session_describe(session)), "\"shape\":[5,2]"));
  kl_release(model);
  kl_release(session);
}

TEST_CASE("calls on a session that is not open fail") {
  Balanced balanced;
  Handle session = kl_session_new();
  CHECK(feed(session, {}) == 0);
  CHECK(run(session) == 0);
  CHECK(kl_session_describe(session) == 0);
  CHECK(kl_session_info(session) == 0);
  CHECK(kl_session_profile(session) == 0);
  CHECK(kl_session_result(session, 0) == 0);
  CHECK(kl_session_cancel_flag(session) == nullptr);
  kl_release(session);
}

TEST_CASE("every prefix of a model is refused or opened, and nothing stays behind") {
  Balanced balanced;
  std::string whole = concat_model();
  for (size_t length = 0; length < whole.size(); ++length) {
    if (Handle session = open(std::string_view(whole).substr(0, length))) kl_release(session);
  }
}
