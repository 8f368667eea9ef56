#pragma once

namespace kinglet::bench {

// Each prints one line per kernel and shape whose text contains `filter`.
void matmul(const char* filter);

}  // namespace kinglet::bench
