"""Operators on pictures."""
import numpy as np

from recipe import book
from reductions import wrapped
from values import Bits, codes, is_integer, numbers

RECIPES, recipe = book()


@recipe()
def AffineGrid(c, theta, size):
    n, dims = theta.shape[0], [int(d) for d in size[2:]]
    lines = []
    for d in dims:
        line = np.linspace(-1, 1, d) if c.get("align_corners") else (np.arange(d) * 2 + 1) / d - 1
        lines.append(line)
    grids = np.meshgrid(*lines, indexing="ij")
    points = np.stack([*reversed(grids), np.ones(dims)], -1)
    return np.einsum("...k,nik->n...i", points, theta.astype(np.float64))


@recipe()
def Col2Im(c, x, image, block):
    image, block = [int(v) for v in image], [int(v) for v in block]
    n = len(image)
    strides, dilations, pads = c.get("strides", [1] * n), c.get("dilations", [1] * n), c.get("pads", [0] * 2 * n)
    counts = [(image[i] + pads[i] + pads[n + i] - dilations[i] * (block[i] - 1) - 1) // strides[i] + 1 for i in range(n)]
    channels = x.shape[1] // int(np.prod(block))
    y = x.astype(object if is_integer(c.inputs[0]) else np.float64)
    y = y.reshape([x.shape[0], channels, *block, *counts])
    out = np.zeros([x.shape[0], channels, *image], y.dtype)
    for at in np.ndindex(*block):
        for place in np.ndindex(*counts):
            where = [p * s - b + a * d for p, s, b, a, d in zip(place, strides, pads, at, dilations)]
            if all(0 <= w < size for w, size in zip(where, image)):
                out[(slice(None), slice(None), *where)] += y[(slice(None), slice(None), *at, *place)]
    if c.inputs[0] == "bool":
        return out != 0
    return wrapped(c.inputs[0], out) if is_integer(c.inputs[0]) else out


def outside(at, size, mode, align):
    """The coordinate that stands for one outside of the picture."""
    if mode == "border":
        return min(max(at, 0), size - 1)
    return at


def taps(at, mode):
    """Places next to a coordinate along one axis, and their weights."""
    if mode == "nearest":
        return [(int(np.rint(at)), 1.0)]
    low = int(np.floor(at))
    t = at - low
    if mode == "linear":
        return [(low, 1 - t), (low + 1, t)]
    return [(low - 1 + i, cubic(abs(t + 1 - i), -0.75)) for i in range(4)]


def cubic(d, a):
    if d <= 1:
        return ((a + 2) * d - (a + 3)) * d * d + 1
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a if d < 2 else 0.0


@recipe()
def GridSample(c, x, grid):
    mode, padding, align = c.get("mode", "linear"), c.get("padding_mode", "zeros"), c.get("align_corners", 0)
    n, channels, height, width = x.shape
    out = np.zeros((n, channels) + grid.shape[1:3], x.dtype if is_integer(c.inputs[0]) else np.float64)
    for b, i, j in np.ndindex(n, *grid.shape[1:3]):
        point = []
        for value, size in zip(grid[b, i, j][::-1].astype(np.float64), (height, width)):
            at = (value + 1) / 2 * (size - 1) if align else ((value + 1) * size - 1) / 2
            point.append(outside(at, size, padding, align) if mode != "cubic" else at)
        for y, wy in taps(point[0], mode):
            for z, wz in taps(point[1], mode):
                if padding == "border":
                    y, z = min(max(y, 0), height - 1), min(max(z, 0), width - 1)
                if 0 <= y < height and 0 <= z < width:
                    if mode == "nearest":
                        out[b, :, i, j] = x[b, :, y, z]
                    else:
                        out[b, :, i, j] += wy * wz * x[b, :, y, z].astype(np.float64)
    return out


def source(c, at, scale, size, wanted, begin, end):
    mode = c.get("coordinate_transformation_mode", "half_pixel")
    if mode == "asymmetric":
        return at / scale
    if mode == "tf_crop_and_resize":
        if wanted > 1:
            return begin * (size - 1) + at * (end - begin) * (size - 1) / (wanted - 1)
        return 0.5 * (begin + end) * (size - 1)
    return (at + 0.5) / scale - 0.5


@recipe(moves=True, numbers=(1, 2, 3))
def Resize(c, x, roi=None, scales=None, sizes=None):
    """Nearest moves bits; linear and cubic compute in float64."""
    mode = c.get("mode", "nearest")
    y = x if mode == "nearest" else numbers(c.inputs[0], x).astype(np.float64)
    n = x.ndim
    for axis in range(n):
        size = y.shape[axis]
        scale = int(sizes[axis]) / size if scales is None else float(scales[axis])
        wanted = int(sizes[axis]) if scales is None else int(np.floor(size * scale))
        crop = c.get("coordinate_transformation_mode") == "tf_crop_and_resize"
        begin, end = (float(roi[axis]), float(roi[axis + n])) if crop else (0, 1)
        if wanted == size and begin == 0 and end == 1:
            continue
        rows = []
        for i in range(wanted):
            at = source(c, i, scale, size, wanted, begin, end)
            if mode == "nearest":
                rounding = c.get("nearest_mode", "round_prefer_floor")
                place = np.floor(at) if rounding == "floor" else np.ceil(at - 0.5)
                rows.append(np.take(y, int(np.clip(place, 0, size - 1)), axis))
                continue
            a = float(c.get("cubic_coeff_a", -0.75))
            low = int(np.floor(at))
            t = at - low
            weights = [(low, 1 - t), (low + 1, t)] if mode == "linear" else [
                (low - 1 + k, cubic(abs(t + 1 - k), a)) for k in range(4)]
            rows.append(sum(w * np.take(y, min(max(p, 0), size - 1), axis) for p, w in weights))
        y = np.stack(rows, axis)
    return y if mode == "nearest" else Bits(codes(c.outputs[0], y))


@recipe()
def MaxRoiPool(c, x, rois):
    high, wide = c.get("pooled_shape")
    scale = c.get("spatial_scale", 1)
    height, width = x.shape[2:]
    out = np.zeros((len(rois), x.shape[1], high, wide))
    for n, (image, *corners) in enumerate(rois):
        left, top, right, bottom = [int(np.floor(v * scale + 0.5)) for v in corners]
        bin_h, bin_w = max(bottom - top + 1, 1) / high, max(right - left + 1, 1) / wide
        for i, j in np.ndindex(high, wide):
            rows = np.clip([np.floor(i * bin_h) + top, np.ceil((i + 1) * bin_h) + top], 0, height).astype(int)
            columns = np.clip([np.floor(j * bin_w) + left, np.ceil((j + 1) * bin_w) + left], 0, width).astype(int)
            window = x[int(image), :, rows[0]:rows[1], columns[0]:columns[1]]
            if window.size:
                out[n, :, i, j] = window.max((1, 2))
    return out
