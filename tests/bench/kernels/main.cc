// kernels_bench_FORM [family [filter [selected]]]: speed of kernels on shapes of real networks, one thread,
// and its share of what a loop of multiply-adds alone reaches. A star marks the kernel that is chosen.
#include <cstdio>
#include <cstring>

#include "bench/kernels/benches.h"
#include "bench/kernels/timing.h"

int main(int argc, char** argv) {
  const char* family = argc > 1 ? argv[1] : "all";
  const char* filter = argc > 2 ? argv[2] : "";
  auto wanted = [&](const char* name) {
    return std::strcmp(family, "all") == 0 || std::strcmp(family, name) == 0;
  };
  std::printf("memory read %.1f GB/s\n", kinglet::bench::read_bandwidth());
  if (wanted("matmul")) kinglet::bench::matmul(filter);
  if (wanted("conv")) kinglet::bench::conv(filter, argc > 3);
  if (wanted("conv_transpose")) kinglet::bench::conv_transpose(filter);
  if (wanted("attention")) kinglet::bench::attention(filter);
  if (wanted("quant")) kinglet::bench::quant(filter);
  if (wanted("trees")) kinglet::bench::trees(filter);
}
