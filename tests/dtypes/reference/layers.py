"""Products, convolutions, pools and normalisations, in float64 unless they are whole numbers."""
import numpy as np

from recipe import book
from reductions import wrapped
from values import is_integer

RECIPES, recipe = book()


def f64(x):
    return None if x is None else x.astype(np.float64)


@recipe()
def MatMul(c, a, b):
    if is_integer(c.inputs[0]):
        if a.size == 0 or b.size == 0:
            return np.matmul(a, b)
        return wrapped(c.inputs[0], np.matmul(a.astype(object), b.astype(object)))
    return np.matmul(f64(a), f64(b))


@recipe()
def Gemm(c, a, b, d=None):
    a = a.T if c.get("transA") else a
    b = b.T if c.get("transB") else b
    alpha, beta = c.get("alpha", 1), c.get("beta", 1)
    if is_integer(c.inputs[0]):
        out = np.matmul(a.astype(object), b.astype(object)) * int(alpha)
        return wrapped(c.inputs[0], out if d is None else out + d.astype(object) * int(beta))
    out = alpha * np.matmul(f64(a), f64(b))
    return out if d is None else out + beta * f64(d)


def geometry(c, extent, kernel):
    """Strides, dilations, and begin and end pads by axis."""
    n = len(kernel)
    strides, dilations = c.get("strides", [1] * n), c.get("dilations", [1] * n)
    pads = c.get("pads", [0] * (2 * n))
    begin, end = list(pads[:n]), list(pads[n:])
    auto = c.get("auto_pad", "NOTSET")
    if auto.startswith("SAME"):
        for i in range(n):
            out = -(-extent[i] // strides[i])
            total = max(0, (out - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - extent[i])
            begin[i] = total // 2 if auto == "SAME_UPPER" else total - total // 2
            end[i] = total - begin[i]
    return strides, dilations, begin, end


def windows(c, x, kernel, fill):
    """Every output place with the window of the padded input that it sees, and how much of it lies outside."""
    strides, dilations, begin, end = geometry(c, x.shape[2:], kernel)
    ceil = bool(c.get("ceil_mode"))
    sizes = []
    for i, k in enumerate(kernel):
        span = x.shape[2 + i] + begin[i] + end[i] - ((k - 1) * dilations[i] + 1)
        count = (-(-span // strides[i]) if ceil else span // strides[i]) + 1
        if ceil and (count - 1) * strides[i] >= x.shape[2 + i] + begin[i]:
            count -= 1
        sizes.append(count)
    for place in np.ndindex(*sizes):
        yield sizes, place, [
            [p * s - b + d * j for j in range(k)] for p, s, b, d, k in zip(place, strides, begin, dilations, kernel)]


def gather(x, rows, fill):
    """The window of x (batch, channels, ...) at these coordinates by axis, `fill` outside."""
    out = np.full(x.shape[:2] + tuple(len(r) for r in rows), fill, x.dtype)
    for at in np.ndindex(*[len(r) for r in rows]):
        where = [r[i] for r, i in zip(rows, at)]
        if all(0 <= w < n for w, n in zip(where, x.shape[2:])):
            out[(slice(None), slice(None)) + at] = x[(slice(None), slice(None)) + tuple(where)]
    return out


@recipe()
def Conv(c, x, w, b=None):
    x, w, b = f64(x), f64(w), f64(b)
    group, out = c.get("group", 1), None
    per_in, per_out = x.shape[1] // group, w.shape[0] // group
    for sizes, place, rows in windows(c, x, w.shape[2:], 0):
        if out is None:
            out = np.zeros((x.shape[0], w.shape[0]) + tuple(sizes))
        seen = gather(x, rows, 0)
        for g in range(group):
            part = seen[:, g * per_in:(g + 1) * per_in].reshape(x.shape[0], -1)
            weights = w[g * per_out:(g + 1) * per_out].reshape(per_out, -1)
            out[(slice(None), slice(g * per_out, (g + 1) * per_out)) + place] = part @ weights.T
    return out if b is None else out + b.reshape((-1,) + (1,) * (x.ndim - 2))


@recipe()
def ConvTranspose(c, x, w, b=None):
    x, w, b = f64(x), f64(w), f64(b)
    kernel, n, group = w.shape[2:], x.ndim - 2, c.get("group", 1)
    strides, dilations = c.get("strides", [1] * n), c.get("dilations", [1] * n)
    pads, extra = c.get("pads", [0] * (2 * n)), c.get("output_padding", [0] * n)
    full = [(x.shape[2 + i] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 + extra[i] for i in range(n)]
    per_in, per_out = x.shape[1] // group, w.shape[1]
    out = np.zeros((x.shape[0], per_out * group) + tuple(full))
    for place in np.ndindex(*x.shape[2:]):
        for at in np.ndindex(*kernel):
            where = tuple(p * s + a * d for p, s, a, d in zip(place, strides, at, dilations))
            for g in range(group):
                part = x[(slice(None), slice(g * per_in, (g + 1) * per_in)) + place]
                weights = w[(slice(g * per_in, (g + 1) * per_in), slice(None)) + at]
                out[(slice(None), slice(g * per_out, (g + 1) * per_out)) + where] += part @ weights
    cut = tuple(slice(pads[i], full[i] - pads[n + i]) for i in range(n))
    out = out[(slice(None), slice(None)) + cut]
    return out if b is None else out + b.reshape((-1,) + (1,) * n)


def pooled(c, x, fold):
    kernel, out = c.get("kernel_shape"), None
    for sizes, place, rows in windows(c, x, kernel, np.nan):
        if out is None:
            out = np.zeros(x.shape[:2] + tuple(sizes))
        seen = gather(x, rows, np.nan).reshape(x.shape[0], x.shape[1], -1)
        out[(slice(None), slice(None)) + place] = fold(seen)
    return out


@recipe()
def AveragePool(c, x):
    whole = bool(c.get("count_include_pad"))
    return pooled(c, f64(x), lambda seen: np.nansum(seen, -1) / (seen.shape[-1] if whole else (~np.isnan(seen)).sum(-1)))


@recipe()
def LpPool(c, x):
    p = c.get("p", 2)
    return pooled(c, f64(x), lambda seen: np.nansum(np.abs(seen) ** p, -1) ** (1 / p))


@recipe()
def MaxPool(c, x):
    """The first of equal elements; its place in the whole input."""
    kernel, values, places = c.get("kernel_shape"), None, None
    index = np.arange(x.size, dtype=np.int64).reshape(x.shape)
    wide = x.astype(np.float64)
    for sizes, place, rows in windows(c, x, kernel, None):
        if values is None:
            values = np.zeros(x.shape[:2] + tuple(sizes))
            places = np.zeros(values.shape, np.int64)
        seen = gather(wide, rows, -np.inf).reshape(x.shape[0], x.shape[1], -1)
        best = np.argmax(seen, -1)[..., None]
        put = (slice(None), slice(None)) + place
        values[put] = np.take_along_axis(seen, best, -1)[..., 0]
        where = gather(index, rows, -1).reshape(x.shape[0], x.shape[1], -1)
        places[put] = np.take_along_axis(where, best, -1)[..., 0]
    return values, places


def spatial(x):
    return tuple(range(2, x.ndim))


@recipe()
def GlobalAveragePool(c, x):
    return f64(x).mean(spatial(x), keepdims=True)


@recipe()
def GlobalMaxPool(c, x):
    return x.max(spatial(x), keepdims=True)


@recipe()
def GlobalLpPool(c, x):
    p = c.get("p", 2)
    return (np.abs(f64(x)) ** p).sum(spatial(x), keepdims=True) ** (1 / p)


@recipe()
def LRN(c, x):
    x, size = f64(x), c.get("size")
    total = np.zeros_like(x)
    for i in range(x.shape[1]):
        begin, end = max(0, i - (size - 1) // 2), min(x.shape[1], i + -(-(size - 1) // 2) + 1)
        total[:, i] = (x[:, begin:end] ** 2).sum(1)
    return x / (c.get("bias", 1) + c.get("alpha", 1e-4) / size * total) ** c.get("beta", 0.75)


def channels(v, x):
    return f64(v).reshape((1, -1) + (1,) * (x.ndim - 2))


@recipe()
def BatchNormalization(c, x, scale, bias, mean, variance):
    s = channels(scale, x) / np.sqrt(channels(variance, x) + c.get("epsilon", 1e-5))
    return (f64(x) - channels(mean, x)) * s + channels(bias, x)


def normalized(x, axes, epsilon):
    x = f64(x)
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


@recipe()
def InstanceNormalization(c, x, scale, bias):
    return normalized(x, spatial(x), c.get("epsilon", 1e-5)) * channels(scale, x) + channels(bias, x)


@recipe()
def GroupNormalization(c, x, scale, bias):
    grouped = x.reshape(x.shape[0], c.get("num_groups"), -1)
    y = normalized(grouped, (2,), c.get("epsilon", 1e-5)).reshape(x.shape)
    return y * channels(scale, x) + channels(bias, x)


@recipe()
def LayerNormalization(c, x, scale, bias=None):
    axes = tuple(range(c.get("axis", -1) % x.ndim, x.ndim))
    epsilon = c.get("epsilon", 1e-5)
    y = normalized(x, axes, epsilon) * f64(scale)
    y = y if bias is None else y + f64(bias)
    mean = f64(x).mean(axes, keepdims=True)
    return y, mean, 1 / np.sqrt(f64(x).var(axes, keepdims=True) + epsilon)


@recipe("RMSNormalization", "SimplifiedLayerNormalization")
def root_mean_square(c, x, scale):
    axes = tuple(range(c.get("axis", -1) % x.ndim, x.ndim))
    y = f64(x)
    inverse = 1 / np.sqrt((y ** 2).mean(axes, keepdims=True) + c.get("epsilon", 1e-5))
    return y * inverse * f64(scale), inverse


@recipe()
def LpNormalization(c, x):
    y, p, axis = f64(x), c.get("p", 2), c.get("axis", -1)
    return y / (np.abs(y) ** p).sum(axis, keepdims=True) ** (1 / p)


@recipe()
def MeanVarianceNormalization(c, x):
    y, axes = f64(x), tuple(c.get("axes", [0, 2, 3]))
    mean = y.mean(axes, keepdims=True)
    return (y - mean) / (np.sqrt((y ** 2).mean(axes, keepdims=True) - mean ** 2) + 1e-9)


@recipe()
def MaxUnpool(c, x, index, shape=None):
    kernel, strides = c.get("kernel_shape"), c.get("strides")
    inner = [(n - 1) * s + k for n, s, k in zip(x.shape[2:], strides, kernel)]
    out = np.zeros(x.shape[:2] + tuple(inner), x.dtype)
    out.reshape(-1)[index.reshape(-1)] = x.reshape(-1)
    if shape is None:
        return out
    whole = np.zeros([int(d) for d in shape], x.dtype)
    whole[tuple(slice(0, n) for n in out.shape)] = out
    return whole
