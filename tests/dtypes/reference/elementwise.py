"""Elementwise operators. Integers are computed without bounds and wrap; division by zero gives 0, a shift by the width too."""
import math

import numpy as np

from recipe import book
from values import is_float, is_integer, width

RECIPES, recipe = book()


def whole(type, function, *inputs):
    """`function` of Python's integers, wrapped to the type."""
    arrays = np.broadcast_arrays(*[np.asarray(x).astype(object) for x in inputs])
    out = np.empty(arrays[0].shape, object)
    flat = [a.reshape(-1) for a in arrays]
    bits = width(type)
    values = []
    for row in zip(*flat):
        value = function(*[int(v) for v in row]) & ((1 << bits) - 1)
        if type.startswith("int") and value >> (bits - 1):
            value -= 1 << bits
        values.append(value)
    dtype = np.dtype(type)
    return np.array(values, dtype).reshape(out.shape)


def pairwise(name, floats, integers):
    def compute(c, a, b):
        return whole(c.inputs[0], integers, a, b) if is_integer(c.inputs[0]) else floats(a, b)

    RECIPES[name] = compute


def truncated(a, b):
    if b == 0:
        return 0
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


pairwise("Add", np.add, lambda a, b: a + b)
pairwise("Sub", np.subtract, lambda a, b: a - b)
pairwise("Mul", np.multiply, lambda a, b: a * b)
pairwise("Div", np.divide, truncated)
pairwise("PRelu", lambda a, b: np.where(a < 0, a * b, a), lambda a, b: a * b if a < 0 else a)
pairwise("BitwiseAnd", None, lambda a, b: a & b)
pairwise("BitwiseOr", None, lambda a, b: a | b)
pairwise("BitwiseXor", None, lambda a, b: a ^ b)


@recipe()
def Mod(c, a, b):
    if not is_integer(c.inputs[0]):
        return np.fmod(a, b)
    if c.get("fmod"):
        return whole(c.inputs[0], lambda x, y: x - truncated(x, y) * y if y else 0, a, b)
    return whole(c.inputs[0], lambda x, y: x % y if y else 0, a, b)


@recipe()
def BitShift(c, a, b):
    bits = width(c.inputs[0])
    left = c.get("direction") == "LEFT"
    return whole(c.inputs[0], lambda x, n: 0 if n >= bits else x << n if left else x >> n, a, b)


for name, compare in dict(
        Equal=np.equal, Greater=np.greater, GreaterOrEqual=np.greater_equal, Less=np.less, LessOrEqual=np.less_equal,
        And=np.logical_and, Or=np.logical_or, Xor=np.logical_xor).items():
    RECIPES[name] = lambda c, a, b, compare=compare: compare(a, b).astype(np.bool_)


def fold(function):
    def compute(c, *inputs):
        out = inputs[0]
        for x in inputs[1:]:
            out = function(out, x)
        return out

    return compute


RECIPES["Max"] = fold(np.maximum)
RECIPES["Min"] = fold(np.minimum)
RECIPES["Sum"] = fold(np.add)


@recipe()
def Mean(c, *inputs):
    return RECIPES["Sum"](c, *inputs) / inputs[0].dtype.type(len(inputs))


@recipe()
def Pow(c, a, b):
    if is_integer(c.inputs[0]) and is_integer(c.inputs[1]):
        return whole(c.inputs[0], lambda x, y: x ** y, a, b)
    if is_integer(c.inputs[0]):
        return np.trunc(np.power(a.astype(np.float64), b.astype(np.float64))).astype(a.dtype)
    return np.power(a, b.astype(a.dtype))


@recipe()
def Clip(c, x, low=None, high=None):
    if low is not None:
        x = np.maximum(x, low.reshape(()))
    if high is not None:
        x = np.minimum(x, high.reshape(()))
    return x


error_function = np.vectorize(math.erf, otypes=[np.float64])


def softplus(x):
    return np.logaddexp(x, x.dtype.type(0))


def f(c, name, default):
    return c.get(name, default)


UNARY = dict(
    Abs=lambda c, x: np.abs(x),
    Neg=lambda c, x: -x,
    Sign=lambda c, x: np.sign(x),
    Floor=lambda c, x: np.floor(x),
    Ceil=lambda c, x: np.ceil(x),
    Round=lambda c, x: np.rint(x),
    Sqrt=lambda c, x: np.sqrt(x),
    Reciprocal=lambda c, x: 1 / x,
    Exp=lambda c, x: np.exp(x),
    Log=lambda c, x: np.log(x),
    Tanh=lambda c, x: np.tanh(x),
    Sigmoid=lambda c, x: 1 / (1 + np.exp(-x)),
    Sin=lambda c, x: np.sin(x),
    Cos=lambda c, x: np.cos(x),
    Tan=lambda c, x: np.tan(x),
    Asin=lambda c, x: np.arcsin(x),
    Acos=lambda c, x: np.arccos(x),
    Atan=lambda c, x: np.arctan(x),
    Sinh=lambda c, x: np.sinh(x),
    Cosh=lambda c, x: np.cosh(x),
    Asinh=lambda c, x: np.arcsinh(x),
    Acosh=lambda c, x: np.arccosh(x),
    Atanh=lambda c, x: np.arctanh(x),
    Relu=lambda c, x: np.maximum(x, x.dtype.type(0)),
    LeakyRelu=lambda c, x: np.where(x < 0, x * f(c, "alpha", 0.01), x),
    ThresholdedRelu=lambda c, x: np.where(x > f(c, "alpha", 1), x, 0),
    Elu=lambda c, x: np.where(x < 0, f(c, "alpha", 1) * np.expm1(x), x),
    Selu=lambda c, x: f(c, "gamma", 1.05070102214813232421875) * np.where(
        x < 0, f(c, "alpha", 1.67326319217681884765625) * np.expm1(x), x),
    Celu=lambda c, x: np.maximum(0, x) + np.minimum(0, f(c, "alpha", 1) * np.expm1(x / f(c, "alpha", 1))),
    Mish=lambda c, x: x * np.tanh(softplus(x)),
    Softplus=lambda c, x: softplus(x),
    Softsign=lambda c, x: x / (1 + np.abs(x)),
    HardSigmoid=lambda c, x: np.clip(f(c, "alpha", 0.2) * x + f(c, "beta", 0.5), 0, 1),
    HardSwish=lambda c, x: x * np.clip(x / 6 + x.dtype.type(0.5), 0, 1),
    Swish=lambda c, x: x / (1 + np.exp(-x * f(c, "alpha", 1))),
    BitwiseNot=lambda c, x: ~x,
    Not=lambda c, x: ~x,
    IsNaN=lambda c, x: np.isnan(x),
    IsInf=lambda c, x: (np.isposinf(x) & bool(c.get("detect_positive", 1))) | (
        np.isneginf(x) & bool(c.get("detect_negative", 1))),
)
RECIPES.update(UNARY)


@recipe()
def Erf(c, x):
    return error_function(x.astype(np.float64)).astype(x.dtype)


@recipe()
def Shrink(c, x):
    bias, threshold = c.get("bias", 0), c.get("lambd", 0.5)
    y = x.astype(np.float64) if is_integer(c.inputs[0]) else x
    return np.where(y < -threshold, y + bias, np.where(y > threshold, y - bias, 0)).astype(x.dtype)


@recipe()
def Gelu(c, x):
    y = x.astype(np.float64)
    if c.get("approximate", "none") == "tanh":
        return (0.5 * y * (1 + np.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y ** 3)))).astype(x.dtype)
    return (0.5 * y * (1 + error_function(y / math.sqrt(2)))).astype(x.dtype)


@recipe(moves=True, numbers=(0,))
def Where(c, condition, a, b):
    return np.where(condition, a, b)
