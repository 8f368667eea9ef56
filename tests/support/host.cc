#include "support/host.h"

#include <cstddef>
#include <string_view>

#include "base/number_libc.h"

namespace kinglet::testing {
HostPicture host_picture;
}

using kinglet::testing::host_picture;

// Not declared by base/host.h here, where wasm programs would import them.
extern "C" {
int32_t kl_picture_find(const void* encoded, size_t bytes, int32_t* extents) {
  std::string_view given(static_cast<const char*>(encoded), bytes);
  if (host_picture.encoded.empty() || given != host_picture.encoded) return 0;
  extents[0] = host_picture.height;
  extents[1] = host_picture.width;
  return 1;
}

void kl_picture_read(int32_t format, void* pixels) {
  int32_t count = host_picture.height * host_picture.width * (format == 2 ? 1 : 3);
  for (int32_t i = 0; i < count; ++i)
    static_cast<uint8_t*>(pixels)[i] = static_cast<uint8_t>(format * 100 + i);
}

#ifdef __EMSCRIPTEN__
double kl_number_parse(const char* text, size_t bytes, int32_t single) {
  return kinglet::libc_number_parse(text, bytes, single);
}
size_t kl_number_print(double value, int32_t single, char* text) {
  return kinglet::libc_number_print(value, single, text);
}
#endif
}
