"""Operators that move elements, over the elements' bits."""
import numpy as np

from recipe import book
from values import codes, numbers, read_bits

RECIPES, recipe = book()


@recipe("Identity", moves=True)
def identity(c, x):
    return x


@recipe(moves=True)
def Dropout(c, x, ratio=None, training=None):
    return (x, np.ones(x.shape, np.uint8))[:len(c.outputs)]


@recipe(moves=True)
def Shape(c, x):
    return np.array(x.shape[c.get("start", 0):c.get("end")], np.int64)


@recipe(moves=True)
def Size(c, x):
    return np.array(x.size, np.int64)


@recipe(moves=True, numbers=(1,))
def Reshape(c, x, shape):
    dims = [x.shape[i] if d == 0 and not c.get("allowzero") else int(d) for i, d in enumerate(shape)]
    return x.reshape(dims)


@recipe(moves=True)
def Flatten(c, x):
    axis = c.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    rows = int(np.prod(x.shape[:axis]))
    return x.reshape(rows, int(np.prod(x.shape[axis:])))


@recipe(moves=True, numbers=(1,))
def Squeeze(c, x, axes=None):
    return np.squeeze(x, None if axes is None else tuple(int(a) for a in axes))


@recipe(moves=True, numbers=(1,))
def Unsqueeze(c, x, axes):
    return np.expand_dims(x, tuple(int(a) for a in axes))


@recipe(moves=True)
def Transpose(c, x):
    return np.transpose(x, c.get("perm"))


@recipe(moves=True)
def Concat(c, *inputs):
    return np.concatenate(inputs, c.get("axis"))


@recipe(moves=True, numbers=(1,))
def Expand(c, x, shape):
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(int(d) for d in shape))).copy()


@recipe(moves=True, numbers=(1,))
def Tile(c, x, repeats):
    return np.tile(x, [int(r) for r in repeats]) if x.ndim else x


@recipe(moves=True, numbers=(1, 2, 3, 4))
def Slice(c, x, starts, ends, axes=None, steps=None):
    cut = [slice(None)] * x.ndim
    for i, (start, end) in enumerate(zip(starts, ends)):
        axis = i if axes is None else int(axes[i])
        step = 1 if steps is None else int(steps[i])
        cut[axis] = slice(int(start), int(end), step)
    return x[tuple(cut)]


@recipe(moves=True, numbers=(1,))
def Split(c, x, sizes=None):
    axis = c.get("axis", 0)
    if sizes is None:
        parts = c.get("num_outputs")
        size = -(-x.shape[axis] // parts)
        sizes = [size] * (parts - 1) + [x.shape[axis] - size * (parts - 1)]
    return tuple(np.split(x, np.cumsum(sizes)[:-1].astype(int), axis))


@recipe(moves=True, numbers=(1,))
def Gather(c, x, indices):
    return np.take(x, indices, c.get("axis", 0))


@recipe(moves=True, numbers=(1,))
def GatherElements(c, x, indices):
    axis = c.get("axis", 0)
    index = np.where(indices < 0, indices + x.shape[axis], indices)
    grid = list(np.indices(index.shape))
    grid[axis] = index
    return x[tuple(grid)]


@recipe(moves=True, numbers=(1,))
def GatherND(c, x, indices):
    batch = c.get("batch_dims", 0)
    if batch == 0:
        return x[tuple(np.moveaxis(indices, -1, 0))]
    parts = [GatherND_plain(x[i], indices[i]) for i in np.ndindex(x.shape[:batch])]
    return np.stack(parts).reshape(x.shape[:batch] + parts[0].shape)


def GatherND_plain(x, index):
    return x[tuple(np.moveaxis(index, -1, 0))]


def combine(c, out, at, update):
    """One element after another, as numbers of the type."""
    reduction = c.get("reduction", "none")
    if reduction == "none":
        out[at] = update
        return
    type = c.inputs[0]
    a, b = numbers(type, np.asarray(out[at]).reshape(1)), numbers(type, np.asarray(update).reshape(1))
    made = dict(add=np.add, mul=np.multiply, max=np.maximum, min=np.minimum)[reduction](a, b)
    out[at] = codes(type, made)[0]


@recipe("Scatter", "ScatterElements", moves=True, numbers=(1,))
def scatter_elements(c, x, indices, updates):
    out, axis = x.copy(), c.get("axis", 0)
    for at in np.ndindex(indices.shape):
        place = list(at)
        place[axis] = int(indices[at]) % x.shape[axis]
        combine(c, out, tuple(place), updates[at])
    return out


@recipe(moves=True, numbers=(1,))
def ScatterND(c, x, indices, updates):
    out = x.copy()
    depth = indices.shape[-1]
    for at in np.ndindex(indices.shape[:-1]):
        place = tuple(int(i) % n for i, n in zip(indices[at], x.shape[:depth]))
        for rest in np.ndindex(x.shape[depth:]):
            combine(c, out, place + rest, updates[at + rest])
    return out


def empty_value(x):
    return "" if x.dtype == object else x.dtype.type(0)


@recipe(moves=True, numbers=(1, 3))
def Pad(c, x, pads, value=None, axes=None):
    axes = range(x.ndim) if axes is None else [int(a) % x.ndim for a in axes]
    widths = [(0, 0)] * x.ndim
    for i, axis in enumerate(axes):
        widths[axis] = (int(pads[i]), int(pads[i + len(pads) // 2]))
    cut = tuple(slice(max(0, -a), n - max(0, -b)) for (a, b), n in zip(widths, x.shape))
    widths = [(max(0, a), max(0, b)) for a, b in widths]
    mode = c.get("mode", "constant")
    if mode != "constant":
        return np.pad(x[cut], widths, mode)
    fill = empty_value(x) if value is None else value.reshape(-1)[0]
    out = np.full([n + a + b for n, (a, b) in zip(x[cut].shape, widths)], fill, x.dtype)
    out[tuple(slice(a, a + n) for n, (a, b) in zip(x[cut].shape, widths))] = x[cut]
    return out


@recipe(moves=True, numbers=(1,))
def CenterCropPad(c, x, shape):
    axes = c.get("axes", list(range(x.ndim)))
    for axis, size in zip(axes, shape):
        have, size = x.shape[axis], int(size)
        if have > size:
            begin = (have - size) // 2
            x = np.take(x, range(begin, begin + size), axis)
        elif have < size:
            dims = list(x.shape)
            dims[axis] = size
            out = np.full(dims, empty_value(x), x.dtype)
            begin = (size - have) // 2
            place = [slice(None)] * x.ndim
            place[axis] = slice(begin, begin + have)
            out[tuple(place)] = x
            x = out
    return x


@recipe(moves=True, numbers=(1,))
def Compress(c, x, condition):
    axis = c.get("axis")
    if axis is None:
        x, axis = x.reshape(-1), 0
    return np.take(x, np.nonzero(condition[:x.shape[axis]])[0], axis)


@recipe(moves=True)
def DepthToSpace(c, x):
    n, depth, h, w = x.shape
    b = c.get("blocksize")
    if c.get("mode", "DCR") == "DCR":
        y = x.reshape(n, b, b, depth // b ** 2, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        y = x.reshape(n, depth // b ** 2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return y.reshape(n, depth // b ** 2, h * b, w * b)


@recipe(moves=True)
def SpaceToDepth(c, x):
    n, depth, h, w = x.shape
    b = c.get("blocksize")
    return x.reshape(n, depth, h // b, b, w // b, b).transpose(0, 3, 5, 1, 2, 4).reshape(n, depth * b * b, h // b, w // b)


@recipe(moves=True, numbers=(1,))
def ReverseSequence(c, x, lengths):
    batch, time = c.get("batch_axis", 1), c.get("time_axis", 0)
    y = np.moveaxis(x, (batch, time), (0, 1)).copy()
    for i, n in enumerate(lengths):
        y[i, :n] = y[i, :n][::-1]
    return np.moveaxis(y, (0, 1), (batch, time))


@recipe(moves=True, numbers=(1,))
def Trilu(c, x, k=None):
    k = 0 if k is None else int(k.reshape(()))
    rows, columns = np.indices(x.shape[-2:])
    keep = columns - rows >= k if c.get("upper", 1) else columns - rows <= k
    return np.where(keep, x, empty_value(x))


@recipe()
def NonZero(c, x):
    if c.inputs[0] == "string":
        x = x != ""
    if x.ndim == 0:
        return np.zeros((0, int(bool(x))), np.int64)
    return np.array(np.nonzero(x), np.int64)


@recipe(moves=True, numbers=(0, 1))
def OneHot(c, indices, depth, values):
    depth = int(depth.reshape(-1)[0])
    axis = c.get("axis", -1)
    index = indices.astype(np.int64)
    index = np.where(index < 0, index + depth, index)
    axis = axis + index.ndim + 1 if axis < 0 else axis
    hot = np.expand_dims(index, axis) == np.arange(depth).reshape([-1 if d == axis else 1 for d in range(index.ndim + 1)])
    return np.where(hot, values[1], values[0])


@recipe(moves=True)
def EyeLike(c, x):
    eye = np.eye(x.shape[0], x.shape[1], c.get("k", 0))
    type = c.outputs[0]
    if type == "string":
        return None
    return eye.astype(type) if type.startswith("complex") else codes(type, eye)


def with_value(recipe_of):
    def compute(c, *inputs):
        return recipe_of(read_bits(c.get("value")), *inputs)

    compute.moves = True
    compute.numbers = (0,)
    return compute


RECIPES["Constant"] = with_value(lambda value: value)
RECIPES["ConstantOfShape"] = with_value(lambda value, shape: np.full([int(d) for d in shape], value[0], value.dtype))


@recipe()
def Unique(c, x):
    """By value; complex numbers by real, then imaginary part."""
    axis = c.get("axis")
    rows = x.reshape(-1, 1) if axis is None else np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)
    keys = [tuple((v.real, v.imag) if np.iscomplexobj(v) else v for v in row) for row in rows.tolist()]
    order = sorted(set(keys)) if c.get("sorted", 1) else list(dict.fromkeys(keys))
    first = [keys.index(k) for k in order]
    values = x.reshape(-1)[first] if axis is None else np.take(x, first, axis)
    inverse = [order.index(k) for k in keys]
    counts = [keys.count(k) for k in order]
    return values, np.array(first, np.int64), np.array(inverse, np.int64), np.array(counts, np.int64)
