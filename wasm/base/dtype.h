#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace kinglet {

// Element types; the values are ONNX's TensorProto.DataType. kNone: not a tensor, or not known.
enum class DType : uint8_t {
  kNone = 0,
#define DTYPE(name, number, bits, kind, text) k##name = number,
#include "base/dtype.inc"
#undef DTYPE
};
inline constexpr int kDTypeCount = 27;

// False for numbers that are not in dtype.inc.
bool is_dtype(int64_t number);
std::string_view dtype_name(DType dtype);
// kNone for an unknown name.
DType dtype_from_name(std::string_view name);
// 0 for strings (elements are std::string objects) and kNone.
int dtype_bits(DType dtype);
// 'f', 'i', 'u', 'b', 's', 'c', or 0 for kNone.
char dtype_kind(DType dtype);
// Elements narrower than a byte are packed low bits first.
inline bool is_sub_byte(DType dtype) {
  int bits = dtype_bits(dtype);
  return bits > 0 && bits < 8;
}
inline void append(std::string& out, DType dtype) { out.append(dtype_name(dtype)); }

// A set of element types.
class DTypeSet {
 public:
  constexpr DTypeSet() = default;
  constexpr explicit DTypeSet(uint32_t bits) : bits_(bits) {}
  constexpr bool has(DType d) const { return bits_ >> static_cast<int>(d) & 1; }
  constexpr void add(DType d) { bits_ |= 1u << static_cast<int>(d); }
  constexpr uint32_t bits() const { return bits_; }

 private:
  uint32_t bits_ = 0;
};
// "float32, float64"
void append(std::string& out, DTypeSet set);

// The DType of a C++ element type that is computed with directly.
template <class T>
inline constexpr DType kDTypeOf = DType::kNone;
template <>
inline constexpr DType kDTypeOf<float> = DType::kFloat32;
template <>
inline constexpr DType kDTypeOf<double> = DType::kFloat64;
template <>
inline constexpr DType kDTypeOf<int8_t> = DType::kInt8;
template <>
inline constexpr DType kDTypeOf<int16_t> = DType::kInt16;
template <>
inline constexpr DType kDTypeOf<int32_t> = DType::kInt32;
template <>
inline constexpr DType kDTypeOf<int64_t> = DType::kInt64;
template <>
inline constexpr DType kDTypeOf<uint8_t> = DType::kUInt8;
template <>
inline constexpr DType kDTypeOf<uint16_t> = DType::kUInt16;
template <>
inline constexpr DType kDTypeOf<uint32_t> = DType::kUInt32;
template <>
inline constexpr DType kDTypeOf<uint64_t> = DType::kUInt64;
template <>
inline constexpr DType kDTypeOf<bool> = DType::kBool;
template <>
inline constexpr DType kDTypeOf<std::string> = DType::kString;

}  // namespace kinglet
