#pragma once

namespace kinglet::bench {

// Each prints one line per kernel and shape whose text contains `filter`; `selected`: only the kernel that is
// chosen.
void matmul(const char* filter);
void conv(const char* filter, bool selected);
void conv_transpose(const char* filter);
void attention(const char* filter);
void quant(const char* filter);
void trees(const char* filter);

}  // namespace kinglet::bench
