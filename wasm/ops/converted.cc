#include "ops/converted.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/narrow_float.h"

namespace kinglet {

namespace {

void unpack(int bits, const uint8_t* source, uint8_t* target, int64_t count) {
  int64_t per_byte = 8 / bits;
  auto mask = static_cast<uint8_t>((1 << bits) - 1);
  for (int64_t i = 0; i < count; ++i) target[i] = source[i / per_byte] >> (i % per_byte * bits) & mask;
}

void pack(int bits, const uint8_t* source, uint8_t* target, int64_t count) {
  int64_t per_byte = 8 / bits;
  for (int64_t i = 0; i < count; i += per_byte) {
    unsigned byte = 0;
    for (int64_t j = 0; j < per_byte && i + j < count; ++j) byte |= unsigned{source[i + j]} << (j * bits);
    target[i / per_byte] = static_cast<uint8_t>(byte);
  }
}

template <class F>
void widen(const Tensor& source, F* target) {
  int64_t count = source.count();
  switch (source.dtype()) {
    case DType::kFloat16:
      for (int64_t i = 0; i < count; ++i) target[i] = half_to_float(source.data<uint16_t>()[i]);
      return;
    case DType::kBFloat16:
      for (int64_t i = 0; i < count; ++i) target[i] = bfloat16_to_float(source.data<uint16_t>()[i]);
      return;
    case DType::kInt8:
      for (int64_t i = 0; i < count; ++i) target[i] = source.data<int8_t>()[i];
      return;
    case DType::kUInt8:
      for (int64_t i = 0; i < count; ++i) target[i] = source.data<uint8_t>()[i];
      return;
    default:
      for (int64_t i = 0; i < count; ++i) target[i] = static_cast<F>(source.number(i));
  }
}

template <class T, class F>
T to_integer(F value, Rounding rounding) {
  if (std::isnan(value)) return 0;
  if (rounding == Rounding::kNearest) value = std::nearbyint(value);
  // The limits of 64-bit types are not numbers of F: the bound is the next power of two.
  constexpr F kLow = static_cast<F>(std::numeric_limits<T>::min()),
              kHigh = static_cast<F>(std::numeric_limits<T>::max());
  if (value <= kLow) return std::numeric_limits<T>::min();
  if (value >= kHigh) return std::numeric_limits<T>::max();
  return static_cast<T>(value);
}

// Integers of 4 and 2 bits.
template <class F>
void narrow_packed(const F* source, const Tensor& target, Rounding rounding) {
  int bits = dtype_bits(target.dtype());
  bool is_signed = dtype_kind(target.dtype()) == 'i';
  int high = (1 << (is_signed ? bits - 1 : bits)) - 1, low = is_signed ? -high - 1 : 0;
  for (int64_t i = 0; i < target.count(); ++i) {
    int value = std::clamp<int>(to_integer<int32_t>(source[i], rounding), low, high);
    int64_t per_byte = 8 / bits, shift = i % per_byte * bits;
    uint8_t& byte = target.data<uint8_t>()[i / per_byte];
    byte = static_cast<uint8_t>((shift == 0 ? 0 : byte) | (value & ((1 << bits) - 1)) << shift);
  }
}

template <class F>
void narrow(const F* source, const Tensor& target, Rounding rounding) {
  int64_t count = target.count();
  auto integers = [&]<class T>() {
    for (int64_t i = 0; i < count; ++i) target.data<T>()[i] = to_integer<T>(source[i], rounding);
  };
  switch (target.dtype()) {
    case DType::kFloat16:
      for (int64_t i = 0; i < count; ++i)
        target.data<uint16_t>()[i] = float_to_half(static_cast<float>(source[i]));
      return;
    case DType::kBFloat16:
      for (int64_t i = 0; i < count; ++i)
        target.data<uint16_t>()[i] = float_to_bfloat16(static_cast<float>(source[i]));
      return;
    case DType::kInt8:
      return integers.template operator()<int8_t>();
    case DType::kUInt8:
      return integers.template operator()<uint8_t>();
    case DType::kInt16:
      return integers.template operator()<int16_t>();
    case DType::kUInt16:
      return integers.template operator()<uint16_t>();
    case DType::kInt32:
      return integers.template operator()<int32_t>();
    case DType::kUInt32:
      return integers.template operator()<uint32_t>();
    case DType::kInt64:
      return integers.template operator()<int64_t>();
    case DType::kUInt64:
      return integers.template operator()<uint64_t>();
    case DType::kBool:
      for (int64_t i = 0; i < count; ++i) target.data<uint8_t>()[i] = source[i] != 0;
      return;
    case DType::kInt4:
    case DType::kUInt4:
    case DType::kInt2:
    case DType::kUInt2:
      return narrow_packed(source, target, rounding);
    default:
      for (int64_t i = 0; i < count; ++i)
        target.data<uint8_t>()[i] = float_to_small_float(target.dtype(), static_cast<float>(source[i]), true);
  }
}

void convert_in(const Tensor& source, const Tensor& target) {
  if (target.dtype() == DType::kFloat32)
    widen(source, target.data<float>());
  else if (target.dtype() == DType::kFloat64)
    widen(source, target.data<double>());
  else
    unpack(dtype_bits(source.dtype()), source.data<uint8_t>(), target.data<uint8_t>(), source.count());
}

void convert_out(const Tensor& source, const Tensor& target, Rounding rounding) {
  if (source.dtype() == DType::kFloat32)
    narrow(source.data<float>(), target, rounding);
  else if (source.dtype() == DType::kFloat64)
    narrow(source.data<double>(), target, rounding);
  else
    pack(dtype_bits(target.dtype()), source.data<uint8_t>(), target.data<uint8_t>(), source.count());
}

class ConvertedRun final : public Run {
 public:
  ConvertedRun(DType from, DType to, Rounding rounding, Run& outer)
      : from_(from), to_(to), rounding_(rounding), outer_(outer) {
    scratch_ = outer.scratch();
    parallel_ = &outer.parallel();
  }

  Status begin() {
    auto ins = static_cast<size_t>(outer_.in_count()), outs = static_cast<size_t>(outer_.out_count());
    tensors_.resize(ins + outs);
    pointers_.resize(ins + outs);
    for (size_t i = 0; i < ins; ++i) {
      const Tensor& t = outer_.in(static_cast<int>(i));
      KL_TRY(replace(t, i));
      if (t.dtype() == from_) convert_in(t, tensors_[i]);
    }
    for (size_t i = 0; i < outs; ++i) {
      if (outer_.has_out(static_cast<int>(i))) KL_TRY(replace(outer_.out(static_cast<int>(i)), ins + i));
    }
    inputs_ = std::span(pointers_).first(ins);
    outputs_ = std::span(pointers_).subspan(ins);
    return {};
  }

  Result<Tensor> alloc_out(int i, DType dtype, const Shape& shape) override {
    if (dtype != to_) return outer_.alloc_out(i, dtype, shape);
    KL_ASSIGN(Tensor t, Tensor::allocate_uninitialized(to_, shape));
    late_.emplace_back(i, t);
    return t;
  }

  Status end() {
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const Tensor& t = tensors_[inputs_.size() + i];
      if (!t.empty()) convert_out(t, outer_.out(static_cast<int>(i)), rounding_);
    }
    for (const auto& [i, t] : late_) {
      KL_ASSIGN(Tensor target, outer_.alloc_out(i, from_, t.shape()));
      convert_out(t, target, rounding_);
    }
    return {};
  }

 private:
  Status replace(const Tensor& t, size_t at) {
    pointers_[at] = &t;
    if (t.dtype() != from_) return {};
    KL_ASSIGN(tensors_[at], Tensor::allocate_uninitialized(to_, t.shape()));
    pointers_[at] = &tensors_[at];
    return {};
  }

  DType from_, to_;
  Rounding rounding_;
  Run& outer_;
  std::vector<Tensor> tensors_;
  std::vector<const Tensor*> pointers_;
  std::vector<std::pair<int, Tensor>> late_;
};

}  // namespace

Result<Tensor> element_of(DType dtype, double value) {
  KL_ASSIGN(Tensor t, Tensor::allocate(dtype, {}));
  if (dtype_kind(dtype) == 'c') {
    if (dtype == DType::kComplex64)
      *t.data<float>() = static_cast<float>(value);
    else
      *t.data<double>() = value;
  } else if (dtype == DType::kFloat32) {
    *t.data<float>() = static_cast<float>(value);
  } else if (dtype == DType::kFloat64) {
    *t.data<double>() = value;
  } else if (dtype != DType::kString) {
    narrow(&value, t, Rounding::kTruncate);
  }
  return t;
}

Status run_converted(DType from, DType to, Rounding rounding, const void* params,
                     Status (*step)(const void* params, Run&), Run& run) {
  ConvertedRun converted(from, to, rounding, run);
  KL_TRY(converted.begin());
  KL_TRY(step(params, converted));
  return converted.end();
}

}  // namespace kinglet
