#pragma once
// Runs of a session with feeds by name.
#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/session.h"

namespace kinglet::testing {

struct NamedValue {
  std::string_view name;
  Value value;
};

// Feeds have what they got from the session when this returns: tensors without elements have memory for them.
inline Status prepare(Session& session, std::span<NamedValue> feeds) {
  auto values = session.new_feeds();
  auto place = [&](const NamedValue& feed) {
    return static_cast<size_t>(std::ranges::find(session.inputs(), feed.name, &SessionPort::name) -
                               session.inputs().begin());
  };
  for (const NamedValue& feed : feeds) {
    KL_REQUIRE(place(feed) < values.size(), kInvalidInput, "no input ", feed.name);
    values[place(feed)] = feed.value;
  }
  KL_TRY(session.prepare());
  for (NamedValue& feed : feeds) feed.value = session.feeds()[place(feed)];
  return {};
}

inline Status run(Session& session, std::vector<NamedValue> feeds, std::vector<Value>* results) {
  KL_TRY(prepare(session, feeds));
  feeds.clear();
  return session.run(results);
}

}  // namespace kinglet::testing
