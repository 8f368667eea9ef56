#pragma once
// The host's side of base/host.h in test programs: one picture of pixels 0, 1, 2, ...
#include <cstdint>
#include <string>

namespace kinglet::testing {

struct HostPicture {
  std::string encoded;  // empty: there is none
  int32_t height = 0, width = 0;
};
extern HostPicture host_picture;

}  // namespace kinglet::testing
