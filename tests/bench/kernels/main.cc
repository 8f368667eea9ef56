// kernels_bench [family [filter [selected]]]: GFLOP/s of kernels on shapes of real networks, one thread.
#include <cstring>

#include "bench/kernels/benches.h"

int main(int argc, char** argv) {
  const char* family = argc > 1 ? argv[1] : "all";
  const char* filter = argc > 2 ? argv[2] : "";
  auto wanted = [&](const char* name) {
    return std::strcmp(family, "all") == 0 || std::strcmp(family, name) == 0;
  };
  if (wanted("matmul")) kinglet::bench::matmul(filter);
  if (wanted("conv")) kinglet::bench::conv(filter, argc > 3);
  if (wanted("conv_transpose")) kinglet::bench::conv_transpose(filter);
  if (wanted("attention")) kinglet::bench::attention(filter);
  if (wanted("quant")) kinglet::bench::quant(filter);
}
