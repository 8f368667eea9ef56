"""Cast and CastLike: by value, floats rounded to nearest even, integers truncated."""
import numpy as np

from recipe import book
from values import SMALL, Bits, codes, is_float, is_integer

RECIPES, recipe = book()


def text(type, x):
    if type == "bool":
        return "1" if x else "0"
    if is_integer(type):
        return str(int(x))
    # The shortest text that gives the number back.
    value = float(x)
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "INF" if value > 0 else "-INF"
    return np.format_float_positional(np.float64(x) if type == "float64" else np.float32(x), unique=True, trim="-")


def cast(c, x):
    source, target = c.inputs[0], c.outputs[0]
    saturate = bool(c.get("saturate", 1))
    if source == target:
        return Bits(codes(target, x, False)) if target in SMALL else x
    if source == "string" and target != "string":
        x = np.array([float(s) if is_float(target) else int(float(s)) for s in x.reshape(-1)]).reshape(x.shape)
        source = "float64"
    if target == "string":
        out = np.empty(x.shape, object)
        out.reshape(-1)[:] = [text(source, v) for v in x.reshape(-1)]
        return out
    if target == "bool":
        return x != 0
    if target in SMALL:
        return Bits(codes(target, x, saturate))
    if is_integer(target) and x.dtype.kind == "f":
        return np.trunc(x).astype(np.int64)
    return x


RECIPES["Cast"] = cast
RECIPES["CastLike"] = lambda c, x, like: cast(c, x)
