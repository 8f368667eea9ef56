"""Windows, transforms, sums by equation, determinants, losses, by the equations of the specification."""
import numpy as np

from recipe import book
from values import is_integer

RECIPES, recipe = book()


@recipe("BlackmanWindow", "HammingWindow", "HannWindow")
def window(c, size):
    n = int(size)
    steps = n if c.get("periodic", 1) else n - 1
    angle = 2 * np.pi * np.arange(n) / max(steps, 1)
    if c.op == "HannWindow":
        y = 0.5 - 0.5 * np.cos(angle)
    elif c.op == "HammingWindow":
        y = 25 / 46 - 21 / 46 * np.cos(angle)
    else:
        y = 0.42 - 0.5 * np.cos(angle) + 0.08 * np.cos(2 * angle)
    return np.trunc(y) if is_integer(c.outputs[0]) else y


@recipe()
def DFT(c, x, length=None, axis=None):
    axis = -2 if axis is None else int(axis)
    axis = axis % x.ndim
    values = x.astype(np.float64)
    values = values[..., 0] if x.shape[-1] == 1 else values[..., 0] + 1j * values[..., 1]
    n = x.shape[axis] if length is None else int(length)
    y = (np.fft.ifft if c.get("inverse") else np.fft.fft)(values, n, axis)
    if c.get("onesided"):
        y = np.take(y, range(n // 2 + 1), axis)
    return np.stack([y.real, y.imag], -1)


@recipe()
def STFT(c, x, step, window=None, length=None):
    n = int(length) if length is not None else len(window)
    w = np.ones(n) if window is None else window.astype(np.float64)
    signal = x[..., 0].astype(np.float64)
    starts = range(0, signal.shape[1] - n + 1, int(step))
    y = np.stack([np.fft.fft(signal[:, s:s + n] * w, axis=1) for s in starts], 1)
    if c.get("onesided", 1):
        y = y[..., :n // 2 + 1]
    return np.stack([y.real, y.imag], -1)


@recipe()
def MelWeightMatrix(c, bins, length, rate, low, high):
    bins, length, rate = int(bins), int(length), int(rate)
    low, high = (2595 * np.log10(1 + float(hertz) / 700) for hertz in (low, high))
    points = low + np.arange(bins + 2) * (high - low) / (bins + 2)
    spectrum = (np.floor((length + 1) * (700 * (10 ** (points / 2595) - 1)) / rate)).astype(int)
    out = np.zeros((length // 2 + 1, bins))
    for i in range(bins):
        begin, center, end = spectrum[i:i + 3]
        if begin == center:
            out[center, i] = 1
        else:
            for j in range(begin, center + 1):
                out[j, i] = (j - begin) / (center - begin)
        for j in range(center, end):
            out[j, i] = (end - j) / (end - center)
    return np.trunc(out) if is_integer(c.outputs[0]) else out


@recipe()
def Det(c, x):
    return np.linalg.det(x.astype(np.float64))


@recipe()
def Einsum(c, *inputs):
    wide = np.uint64 if is_integer(c.inputs[0]) else np.float64
    y = np.einsum(c.get("equation"), *[x.astype(np.int64).astype(wide) if wide == np.uint64 else x.astype(wide) for x in inputs])
    return y.astype(inputs[0].dtype) if wide == np.uint64 else y


@recipe("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(c, scores, labels, weights=None):
    x = scores.astype(np.float64)
    if c.op == "SoftmaxCrossEntropyLoss":
        x = x - x.max(1, keepdims=True)
        x = x - np.log(np.exp(x).sum(1, keepdims=True))
    ignored = labels == c.get("ignore_index", -(1 << 62))
    index = np.where(ignored, 0, labels)
    w = np.ones(x.shape[1]) if weights is None else weights.astype(np.float64)
    weight = np.where(ignored, 0, w[index])
    y = -np.take_along_axis(x, np.expand_dims(index, 1), 1)[:, 0] * weight
    reduction = c.get("reduction", "mean")
    y = y if reduction == "none" else y.sum() if reduction == "sum" else y.sum() / weight.sum()
    return (y, x)
