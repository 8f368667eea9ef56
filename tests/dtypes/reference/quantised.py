"""Quantisation and integer products."""
import numpy as np

from layers import RECIPES as LAYERS
from recipe import book
from values import Bits, codes, is_integer, width

RECIPES, recipe = book()


def along(c, v, x):
    if v is None or v.size == 1 and v.ndim <= 1:
        return v if v is None else v.reshape(())
    axis = c.get("axis", 1) % x.ndim
    return v.reshape([-1 if d == axis else 1 for d in range(x.ndim)])


def saturated(type, x):
    bits = width(type)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if type.startswith("int") else (0, (1 << bits) - 1)
    return np.clip(x, low, high)


@recipe()
def QuantizeLinear(c, x, scale, zero=None):
    type = c.outputs[0]
    y = x.astype(np.float32) / along(c, scale, x).astype(np.float32)
    if not is_integer(type):
        return Bits(codes(type, y, True))
    y = np.rint(y.astype(np.float64))
    return saturated(type, y if zero is None else y + along(c, zero, x))


@recipe()
def DequantizeLinear(c, x, scale, zero=None):
    y = x.astype(np.float64)
    return (y if zero is None else y - along(c, zero, x)) * along(c, scale, x)


def whole(x, zero):
    return x.astype(np.int64) - (0 if zero is None else zero.astype(np.int64))


@recipe()
def MatMulInteger(c, a, b, a_zero=None, b_zero=None):
    return np.matmul(whole(a, a_zero), whole(b, b_zero))


class Attributes:
    def __init__(self, c):
        self.get = c.get


@recipe()
def ConvInteger(c, x, w, x_zero=None, w_zero=None):
    return LAYERS["Conv"](Attributes(c), whole(x, x_zero), whole(w, w_zero))


def requantised(type, y, scale, zero):
    return saturated(type, np.rint(y * scale) + zero)


@recipe()
def QLinearMatMul(c, a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero):
    scale = a_scale.astype(np.float64) * b_scale / y_scale
    return requantised(c.outputs[0], np.matmul(whole(a, a_zero), whole(b, b_zero)), scale, y_zero)


@recipe()
def QLinearConv(c, x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, b=None):
    y = LAYERS["Conv"](Attributes(c), whole(x, x_zero), whole(w, w_zero), b)
    return requantised(c.outputs[0], y, x_scale.astype(np.float64) * w_scale / y_scale, y_zero)
