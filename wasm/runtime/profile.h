#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace kinglet {

// Microseconds on a monotonic clock.
int64_t now_us();

// Times of steps, as Chrome trace events (https://ui.perfetto.dev reads them).
class Profile {
 public:
  bool on = false;
  struct Event {
    std::string name, op, kernel, shapes;
    int64_t start_us, duration_us;
    int threads;  // that took part in the run
  };
  // At most kMaxEvents are kept; later ones are counted only.
  void add(Event event);
  // {"traceEvents":[...], "dropped": n}; forgets the events.
  std::string take_json();

 private:
  static constexpr size_t kMaxEvents = 1 << 18;
  std::vector<Event> events_;
  size_t dropped_ = 0;
};

}  // namespace kinglet
