// mutate FILE...: cuts each file at 200 places and changes 2,000 single bytes, and gives every result to the
// fuzz target that it is linked with. For machines without libFuzzer, and as a check that takes seconds.
// Fails when one input takes more than two seconds.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

double seconds_for(const std::string& input) {
  auto start = std::chrono::steady_clock::now();
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

uint32_t random_number() {
  static uint32_t state = 0x9e3779b9;
  state ^= state << 13, state ^= state >> 17, state ^= state << 5;
  return state;
}

}  // namespace

int main(int count, char** files) {
  double slowest = 0;
  for (int i = 1; i < count; ++i) {
    std::ifstream file(files[i], std::ios::binary);
    std::string whole((std::istreambuf_iterator<char>(file)), {});
    if (whole.empty()) return std::fprintf(stderr, "%s is empty or cannot be read\n", files[i]), 2;
    slowest = std::max(slowest, seconds_for(whole));
    for (size_t cut = 0; cut < 200; ++cut)
      slowest = std::max(slowest, seconds_for(whole.substr(0, whole.size() * cut / 200)));
    for (int change = 0; change < 2000; ++change) {
      std::string changed = whole;
      changed[random_number() % changed.size()] = static_cast<char>(random_number());
      slowest = std::max(slowest, seconds_for(changed));
    }
    std::printf("%s: 2,201 inputs, slowest %.3f s\n", files[i], slowest);
  }
  return slowest <= 2 ? 0 : 1;
}
