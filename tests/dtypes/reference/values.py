"""Element types in numpy: how tensors of the test cases are read and written.

Narrow floats are computed with as float32 and rounded once. Operators that move elements see them as bits.
"""
import base64

import numpy as np

PLAIN = {
    "float32": np.float32, "float64": np.float64, "float16": np.float16, "bool": np.bool_,
    "int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
    "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
    "complex64": np.complex64, "complex128": np.complex128,
}
# Exponent bits, mantissa bits, bias; `inf`: has infinities; `fnuz`: no negative zero, that code is NaN.
SMALL = {
    "float8e4m3fn": dict(exponent=4, mantissa=3, bias=7, inf=False, fnuz=False),
    "float8e4m3fnuz": dict(exponent=4, mantissa=3, bias=8, inf=False, fnuz=True),
    "float8e5m2": dict(exponent=5, mantissa=2, bias=15, inf=True, fnuz=False),
    "float8e5m2fnuz": dict(exponent=5, mantissa=2, bias=16, inf=False, fnuz=True),
}
PACKED = {"uint4": 4, "int4": 4, "float4e2m1": 4, "uint2": 2, "int2": 2}
BITS = {"bfloat16": np.uint16, "float16": np.uint16, "float8e8m0": np.uint8}
FLOAT4 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)


class Bits:
    """Results that are a type's bits already."""

    def __init__(self, bits):
        self.bits = bits


def is_float(type):
    return type.startswith(("float", "bfloat"))


def is_integer(type):
    return type.startswith(("int", "uint"))


def width(type):
    return PACKED.get(type) or int("".join(c for c in type if c.isdigit()))


def small_float_values(type):
    """What the 256 codes of an 8-bit float stand for."""
    form = SMALL[type]
    codes = np.arange(256)
    sign = np.where(codes & 128, -1.0, 1.0)
    mantissa = codes & ((1 << form["mantissa"]) - 1)
    exponent = (codes & 127) >> form["mantissa"]
    fraction = mantissa / (1 << form["mantissa"])
    values = sign * np.where(
        exponent == 0, fraction * 2.0 ** (1 - form["bias"]), (1 + fraction) * 2.0 ** (exponent - float(form["bias"])))
    if form["fnuz"]:
        values[128] = np.nan
    elif form["inf"]:
        top = exponent == (1 << form["exponent"]) - 1
        values[top] = np.where(mantissa[top] == 0, sign[top] * np.inf, np.nan)
    else:
        values[(codes & 127) == 127] = np.nan
    return values.astype(np.float32)


def to_bfloat16(x):
    x = np.ascontiguousarray(x, np.float32)
    bits = x.view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> 16) & np.uint32(1))) >> 16
    return np.where(np.isnan(x), np.uint32(0x7FC0), rounded).astype(np.uint16)


def to_small_float(type, x, saturate=True):
    """Nearest code, ties to even; what lies beyond the largest number saturates, or becomes infinity or NaN."""
    form = SMALL[type]
    values = small_float_values(type)[:128]
    finite = values[np.isfinite(values)].astype(np.float64)
    x = np.asarray(x, np.float64)
    size = np.abs(x)
    high = np.clip(np.searchsorted(finite, size, side="left"), 1, len(finite) - 1)
    low = high - 1
    below, above = size - finite[low], finite[high] - size
    code = np.where((below < above) | ((below == above) & (low % 2 == 0)), low, high)
    step = finite[-1] - finite[-2]
    beyond = size >= finite[-1] + step / 2
    nan = 128 if form["fnuz"] else 127
    over = len(finite) - 1 if saturate else (124 if form["inf"] else nan)
    code = np.where(beyond, over, code)
    negative = np.signbit(x) & (code != nan) if not form["fnuz"] else np.signbit(x) & (code != 0) & (code != nan)
    code = np.where(negative, code + 128, code)
    if not form["inf"] and not form["fnuz"] and not saturate:
        code = np.where(beyond, np.where(np.signbit(x), 255, 127), code)
    return np.where(np.isnan(x), nan, code).astype(np.uint8)


def unpack(type, data, count):
    bits = PACKED[type]
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    return ((data[:, None] >> shifts) & ((1 << bits) - 1)).reshape(-1)[:count].astype(np.uint8)


def pack(type, codes):
    bits = PACKED[type]
    per_byte = 8 // bits
    codes = np.asarray(codes, np.uint8).reshape(-1) & ((1 << bits) - 1)
    codes = np.concatenate([codes, np.zeros(-len(codes) % per_byte, np.uint8)]).reshape(-1, per_byte)
    return np.bitwise_or.reduce(codes << np.arange(0, 8, bits, dtype=np.uint8), axis=1).astype(np.uint8)


def read_bits(value):
    """A tensor as bits (unsigned integers), strings as objects, complex numbers as they are."""
    type, dims = value["type"], value["dims"]
    if type == "string":
        out = np.empty(len(value["data"]), object)
        out[:] = value["data"]
        return out.reshape(dims)
    data = base64.b64decode(value["data"])
    if type in PACKED:
        return unpack(type, np.frombuffer(data, np.uint8), int(np.prod(dims))).reshape(dims)
    if type.startswith("complex"):
        return np.frombuffer(data, PLAIN[type]).reshape(dims)
    size = 1 if type == "bool" or "8" in type and type not in PLAIN else np.dtype(PLAIN.get(type, np.uint16)).itemsize
    return np.frombuffer(data, f"u{size}").reshape(dims)


def read(value):
    """A tensor as numbers: narrow floats as float32, packed integers as bytes."""
    type = value["type"]
    bits = read_bits(value)
    return numbers(type, bits)


def numbers(type, bits):
    if type in ("string", "complex64", "complex128"):
        return bits
    return flat_numbers(type, bits.reshape(-1)).reshape(bits.shape)


def flat_numbers(type, bits):
    if type in SMALL:
        return small_float_values(type)[bits]
    if type == "float8e8m0":
        return np.where(bits == 255, np.nan, 2.0 ** (bits.astype(np.float64) - 127)).astype(np.float32)
    if type == "float4e2m1":
        return np.where(bits & 8, -1, 1).astype(np.float32) * FLOAT4[bits & 7]
    if type in ("int4", "int2"):
        shift = 8 - PACKED[type]
        return (bits << shift).astype(np.uint8).view(np.int8) >> shift
    if type in ("uint4", "uint2"):
        return bits
    if type == "bfloat16":
        return (bits.astype(np.uint32) << 16).view(np.float32)
    if type == "float16":
        return bits.view(np.float16).astype(np.float32)
    return bits.view(PLAIN[type])


def codes(type, x, saturate=True):
    """Numbers as the type's bits; floats are rounded, integers wrap."""
    x = np.asarray(x)
    if type in ("string", "complex64", "complex128"):
        return x
    return flat_codes(type, x.reshape(-1), saturate).reshape(x.shape)


def flat_codes(type, x, saturate):
    if type in SMALL:
        return to_small_float(type, x, saturate)
    if type == "float8e8m0":
        return np.where(np.isnan(x), 255, np.rint(np.log2(np.where(np.isnan(x), 1, x))) + 127).astype(np.uint8)
    if type == "float4e2m1":
        size = np.abs(x)
        high = np.clip(np.searchsorted(FLOAT4, size, side="left"), 1, 7)
        low = high - 1
        below, above = size - FLOAT4[low], FLOAT4[high] - size
        code = np.where((below < above) | ((below == above) & (low % 2 == 0)), low, high)
        return np.where(np.signbit(x), code + 8, code).astype(np.uint8)
    if type in PACKED:
        return x.astype(np.int64).astype(np.uint8) & ((1 << PACKED[type]) - 1)
    if type == "bfloat16":
        return to_bfloat16(x)
    target = PLAIN[type]
    return np.ascontiguousarray(x.astype(target)).view(f"u{np.dtype(target).itemsize}")


def write_bits(type, bits):
    dims = [int(d) for d in np.shape(bits)]
    if type == "string":
        return {"type": type, "dims": dims, "data": [str(s) for s in np.asarray(bits).reshape(-1)]}
    data = pack(type, bits) if type in PACKED else np.ascontiguousarray(bits)
    return {"type": type, "dims": dims, "data": base64.b64encode(data.tobytes()).decode()}


def write(type, x):
    return write_bits(type, x.bits if isinstance(x, Bits) else codes(type, x))
