"""Reads cases (JSON) from standard input and writes numpy's results: null for operators without a recipe."""
import json
import sys

import numpy as np

import cast
import elementwise
import layers
import movement
import quantised
import recurrent
import reductions
import sampling
import signals
from values import Bits, read, read_bits, write, write_bits

RECIPES = {}
for module in (cast, elementwise, layers, movement, quantised, recurrent, reductions, sampling, signals):
    RECIPES.update(module.RECIPES)


class Case:
    """`inputs`: types, `outputs`: types, `attributes`: by name."""

    def __init__(self, request):
        self.op = request["op"]
        self.inputs = [None if v is None else v[0]["type"] if isinstance(v, list) else v["type"] for v in request["inputs"]]
        self.outputs = request["outputs"]
        self.attributes = request["attributes"]

    def get(self, name, default=None):
        return self.attributes.get(name, default)


def each(function, value):
    if value is None:
        return None
    return [function(item) for item in value] if isinstance(value, list) else function(value)


def written(type, result, bits):
    if result is None or type == "":
        return None
    name = type.strip("[]")
    # What is not of the moved type (shapes, indices) is numbers.
    if isinstance(result, Bits):
        return write(name, result)
    put = write_bits if bits and getattr(result, "dtype", None) != np.int64 else write
    if isinstance(result, list):
        return [put(name, np.asarray(item)) for item in result]
    return put(name, result if isinstance(result, Bits) else np.asarray(result))


def run(request):
    recipe = RECIPES.get(request["op"])
    if recipe is None:
        return None
    case = Case(request)
    bits = getattr(recipe, "moves", False)
    inputs = [each(read_bits if bits and not fixed(recipe, k) else read, v) for k, v in enumerate(request["inputs"])]
    results = recipe(case, *inputs)
    if results is None:
        return None
    if not isinstance(results, tuple):
        results = (results,)
    return [written(t, r, bits) for t, r in zip(case.outputs, results)]


def fixed(recipe, k):
    """Inputs of a moving operator that are numbers: shapes, indices, conditions."""
    return k in getattr(recipe, "numbers", ())


failures = {}
answers = []
with np.errstate(all="ignore"):
    for request in json.load(sys.stdin):
        try:
            answers.append(run(request))
        except Exception as error:  # every recipe that is wrong is named at once
            failures.setdefault(request["op"], f"{request}"[:500] + f"\n  {type(error).__name__}: {error}")
if failures:
    sys.exit("\n".join(f"{op}: {text}" for op, text in failures.items()))
json.dump(answers, sys.stdout)
