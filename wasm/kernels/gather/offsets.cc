#include "kernels/gather/gather.h"

namespace kinglet::kernels {

namespace {

// body(indices as T*) for int32 and int64.
template <class Body>
Status with_indices(const Tensor& indices, Body&& body) {
  if (indices.dtype() == DType::kInt32) return body(indices.data<const int32_t>());
  return body(indices.data<const int64_t>());
}

// Moves a negative index to its place; false when it is outside.
bool wrap(int64_t extent, int64_t* index) {
  if (*index < 0) *index += extent;
  return *index >= 0 && *index < extent;
}

Status outside(int64_t index, int axis, int64_t extent) {
  return fail(Code::kIndexOutOfRange, "index ", index, " is outside axis ", axis, " with extent ", extent);
}

}  // namespace

Status offsets_of_axis(const Tensor& indices, int64_t extent, int axis, int64_t step, int64_t* offsets) {
  return with_indices(indices, [&](auto* values) -> Status {
    for (int64_t i = 0, n = indices.count(); i < n; ++i) {
      int64_t index = values[i];
      if (!wrap(extent, &index)) return outside(values[i], axis, extent);
      offsets[i] = index * step;
    }
    return {};
  });
}

Status offsets_of_elements(const Tensor& indices, const Shape& shape, int axis, int64_t* offsets) {
  int last = shape.rank() - 1;
  Shape strides = strides_of(shape), place = Shape::filled(shape.rank(), 0);
  auto at = static_cast<size_t>(axis);
  int64_t extent = shape[at], along = strides[at], row = indices.shape().back();
  int64_t within = axis == last ? 0 : 1;  // from one element of a row to the next
  if (indices.count() == 0) return {};
  return with_indices(indices, [&](auto* values) -> Status {
    for (int64_t base = 0, r = 0, rows = indices.count() / row; r < rows; ++r) {
      for (int64_t i = 0; i < row; ++i) {
        int64_t index = *values++;
        if (!wrap(extent, &index)) return outside(values[-1], axis, extent);
        *offsets++ = base + i * within + index * along;
      }
      for (int d = last - 1; d >= 0; --d) {
        auto k = static_cast<size_t>(d);
        int64_t step = d == axis ? 0 : strides[k];
        base += step;
        if (++place[k] < indices.shape()[k]) break;
        base -= step * place[k];
        place[k] = 0;
      }
    }
    return {};
  });
}

Status offsets_of_tuples(const Tensor& indices, const Shape& shape, int batch_dims, int64_t* offsets) {
  Shape strides = strides_of(shape);
  int64_t tuple = indices.shape().back(), batches = shape.count(0, batch_dims);
  if (batches == 0) return {};
  int64_t rows = indices.shape().count(batch_dims, indices.rank() - 1), batch_step = shape.count(batch_dims);
  return with_indices(indices, [&](auto* values) -> Status {
    for (int64_t b = 0; b < batches; ++b) {
      for (int64_t r = 0; r < rows; ++r) {
        int64_t offset = b * batch_step;
        for (int64_t i = 0; i < tuple; ++i) {
          int axis = batch_dims + static_cast<int>(i);
          int64_t index = *values++;
          if (!wrap(shape.at(axis), &index)) return outside(values[-1], axis, shape.at(axis));
          offset += index * strides.at(axis);
        }
        *offsets++ = offset;
      }
    }
    return {};
  });
}

}  // namespace kinglet::kernels
