#include "runtime/profile.h"

#include <chrono>

#include "base/json.h"
#include "base/str.h"

namespace kinglet {

int64_t now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

void Profile::add(Event event) {
  if (events_.size() < kMaxEvents)
    events_.push_back(std::move(event));
  else
    ++dropped_;
}

std::string Profile::take_json() {
  std::string out = "{\"traceEvents\":[";
  const char* separator = "";
  for (const Event& e : events_) {
    out += str(separator, "\n{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"cat\":\"node\",\"ts\":", e.start_us,
               ",\"dur\":", e.duration_us, ",\"name\":");
    separator = ",";
    append_json(out, e.name);
    out += ",\"args\":{\"op\":";
    append_json(out, e.op);
    out += ",\"kernel\":";
    append_json(out, e.kernel);
    out += ",\"shapes\":";
    append_json(out, e.shapes);
    out += str(",\"threads\":", e.threads, "}}");
  }
  out += str("],\"dropped\":", dropped_, "}");
  events_.clear();
  dropped_ = 0;
  return out;
}

}  // namespace kinglet
