"""Reductions, scans along an axis, and what orders elements. Integers wrap."""
import numpy as np

from recipe import book
from values import is_float, is_integer, width

RECIPES, recipe = book()


def wrapped(type, values):
    bits = width(type)
    values = np.asarray(values, object)
    flat = []
    for v in values.reshape(-1):
        v = int(v) & ((1 << bits) - 1)
        flat.append(v - (1 << bits) if type.startswith("int") and v >> (bits - 1) else v)
    return np.array(flat, np.dtype(type)).reshape(values.shape)


def reduction(name, function, integers=None):
    """`function(x, axes, keepdims)`; `integers` over Python's own, when the sum is exact there."""

    def compute(c, x, axes=None):
        if axes is None or axes.size == 0:
            if c.get("noop_with_empty_axes"):
                return x
            axes = tuple(range(x.ndim))
        axes = tuple(int(a) for a in np.atleast_1d(axes))
        keep = bool(c.get("keepdims", 1))
        if is_integer(c.inputs[0]) and integers is not None:
            return wrapped(c.inputs[0], integers(x.astype(object), axes, keep))
        if is_integer(c.inputs[0]):
            return np.trunc(function(x.astype(np.float64), axes, keep)).astype(np.int64)
        return function(x, axes, keep)

    RECIPES[name] = compute


def truncated_mean(x, axes, keep):
    total = x.sum(axis=axes, keepdims=keep)
    count = int(np.prod([x.shape[a] for a in axes]))
    return np.vectorize(lambda v: int(abs(v) // count) * (1 if v >= 0 else -1), otypes=[object])(total)


def f64(x):
    return x.astype(np.float64)


reduction("ReduceSum", lambda x, a, k: f64(x).sum(a, keepdims=k), lambda x, a, k: x.sum(axis=a, keepdims=k))
reduction("ReduceMean", lambda x, a, k: f64(x).mean(a, keepdims=k), truncated_mean)
reduction("ReduceProd", lambda x, a, k: f64(x).prod(a, keepdims=k), lambda x, a, k: x.prod(axis=a, keepdims=k))
reduction("ReduceL1", lambda x, a, k: np.abs(f64(x)).sum(a, keepdims=k), lambda x, a, k: np.sum(np.abs(x), axis=a, keepdims=k))
reduction("ReduceSumSquare", lambda x, a, k: (f64(x) ** 2).sum(a, keepdims=k), lambda x, a, k: np.sum(x * x, axis=a, keepdims=k))
reduction("ReduceL2", lambda x, a, k: np.sqrt((f64(x) ** 2).sum(a, keepdims=k)))
reduction("ReduceLogSum", lambda x, a, k: np.log(f64(x).sum(a, keepdims=k)))
reduction("ReduceLogSumExp", lambda x, a, k: np.log(np.exp(f64(x)).sum(a, keepdims=k)))


def extreme(largest):
    def compute(c, x, axes=None):
        if (axes is None or axes.size == 0) and c.get("noop_with_empty_axes"):
            return x
        axes = tuple(range(x.ndim)) if axes is None else tuple(int(a) for a in axes)
        keep = bool(c.get("keepdims", 1))
        if x.dtype == np.bool_:
            start = not largest
        elif is_float(c.inputs[0]):
            start = -np.inf if largest else np.inf
        else:
            start = np.iinfo(x.dtype).min if largest else np.iinfo(x.dtype).max
        return (np.max if largest else np.min)(x, axis=axes, keepdims=keep, initial=start)

    return compute


RECIPES["ReduceMax"] = extreme(True)
RECIPES["ReduceMin"] = extreme(False)


def arg(largest):
    def compute(c, x):
        axis = c.get("axis", 0)
        y = np.flip(x, axis) if c.get("select_last_index") else x
        index = (np.argmax if largest else np.argmin)(y, axis)
        if c.get("select_last_index"):
            index = x.shape[axis] - 1 - index
        return (np.expand_dims(index, axis) if c.get("keepdims", 1) else index).astype(np.int64)

    return compute


RECIPES["ArgMax"] = arg(True)
RECIPES["ArgMin"] = arg(False)


@recipe()
def Hardmax(c, x):
    axis = c.get("axis", -1)
    if x.size == 0:
        return x
    out = np.zeros_like(x)
    np.put_along_axis(out, np.expand_dims(np.argmax(x, axis), axis), 1, axis)
    return out


@recipe("Softmax", "LogSoftmax")
def softmax(c, x):
    axis = c.get("axis", -1)
    y = f64(x)
    y = y - y.max(axis, keepdims=True, initial=-np.inf)
    total = np.exp(y).sum(axis, keepdims=True)
    return y - np.log(total) if c.op == "LogSoftmax" else np.exp(y) / total


@recipe()
def CumSum(c, x, axis):
    axis = int(axis.reshape(()))
    y = x.astype(object) if is_integer(c.inputs[0]) else f64(x)
    if c.get("reverse"):
        y = np.flip(y, axis)
    out = np.cumsum(y, axis)
    if c.get("exclusive"):
        out = np.concatenate([np.zeros_like(np.take(out, [0], axis)), np.delete(out, -1, axis)], axis)
    if c.get("reverse"):
        out = np.flip(out, axis)
    return wrapped(c.inputs[0], out) if is_integer(c.inputs[0]) else out


@recipe()
def TopK(c, x, k):
    axis, k = c.get("axis", -1), int(k.reshape(-1)[0])
    rows = np.moveaxis(x, axis, -1)
    index = np.empty(rows.shape[:-1] + (k,), np.int64)
    for at in np.ndindex(rows.shape[:-1]):
        keys = rows[at].tolist()
        index[at] = sorted(range(len(keys)), key=lambda i: (-keys[i] if c.get("largest", 1) else keys[i], i))[:k]
    values = np.take_along_axis(rows, index, -1)
    return np.moveaxis(values, -1, axis), np.moveaxis(index, -1, axis)


@recipe()
def Range(c, start, limit, delta):
    return np.arange(float(start), float(limit), float(delta))
