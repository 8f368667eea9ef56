#pragma once
// Parts of the convolution kernels.
#include "kernels/conv/conv.h"
#include "kernels/matmul/matmul.h"

namespace kinglet::conv_internal {

// Convolutions as products: weights [out_channels, in_channels * taps] times columns of the input. Weights
// are packed group by group.
template <class T>
Result<size_t> product_packed_bytes(const ConvShape& s);
template <class T>
void product_pack(const ConvShape& s, const T* w, T* packed);

template <class T>
Result<size_t> pointwise_scratch(const ConvShape& s, int threads);
template <class T>
void run_pointwise(const Conv<T>& call, void* scratch, Parallel& pool);

Result<size_t> pointwise_scaled_scratch(const ConvShape& s, int threads);
void run_pointwise_scaled(const Conv<float>& call, void* scratch, Parallel& pool);

template <class T>
Result<size_t> im2col_scratch(const ConvShape& s, int threads);
template <class T>
void run_im2col(const Conv<T>& call, void* scratch, Parallel& pool);

Result<size_t> depthwise_scratch(const ConvShape& s, int threads);
void run_depthwise(const Conv<float>& call, void* scratch, Parallel& pool);
// Whether it can be done column by column, without a residual; elements of scratch for a thread.
bool depthwise_by_columns(const ConvShape& s);
size_t depthwise_columns_scratch(const ConvShape& s);
void run_depthwise_columns(const Conv<float>& call, float* scratch, Parallel& pool);

Result<size_t> direct_scratch(const ConvShape& s, int threads);
void run_direct(const Conv<float>& call, void* scratch, Parallel& pool);

// `transformed`: the packed weights are those of Winograd's places, otherwise each run makes them.
Result<size_t> winograd_packed_bytes(const ConvShape& s, bool transformed);
void winograd_pack(const ConvShape& s, const float* w, bool transformed, float* packed);
Result<size_t> winograd_scratch(const ConvShape& s, bool transformed, int threads);
void run_winograd(const Conv<float>& call, bool transformed, void* scratch, Parallel& pool);
// Whether it is expected to be the fastest, and whether transformed weights are worth their memory.
bool winograd_pays(const ConvShape& s);
bool winograd_stores(const ConvShape& s);

}  // namespace kinglet::conv_internal
