"""RNN, GRU and LSTM with their usual activations, by the equations of the specification."""
import numpy as np

from recipe import book

RECIPES, recipe = book()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rnn_step(x, w, r, wb, rb, h, cell):
    return np.tanh(x @ w.T + h @ r.T + wb + rb), cell


def gru_step(x, w, r, wb, rb, h, cell):
    wz, wr, wh = np.split(w, 3)
    rz, rr, rh = np.split(r, 3)
    bz, br, bh = np.split(wb, 3)
    cz, cr, ch = np.split(rb, 3)
    z = sigmoid(x @ wz.T + h @ rz.T + bz + cz)
    reset = sigmoid(x @ wr.T + h @ rr.T + br + cr)
    hidden = np.tanh(x @ wh.T + (reset * h) @ rh.T + ch + bh)
    return (1 - z) * hidden + z * h, cell


def lstm_step(x, w, r, wb, rb, h, cell):
    i, o, f, c = np.split(x @ w.T + h @ r.T + wb + rb, 4, axis=1)
    cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(c)
    return sigmoid(o) * np.tanh(cell), cell


def layer(step, case, x, w, r, b, lengths, h0, c0=None):
    steps, batch, _ = x.shape
    hidden = case.get("hidden_size")
    lengths = np.full(batch, steps) if lengths is None else lengths
    direction = case.get("direction", "forward")
    x, w, r, b, h0 = (v.astype(np.float64) for v in (x, w, r, b, h0))
    y = np.zeros((steps, len(w), batch, hidden))
    last_h, last_c = np.zeros((len(w), batch, hidden)), np.zeros((len(w), batch, hidden))
    for d in range(len(w)):
        backward = direction == "reverse" or d == 1
        wb, rb = np.split(b[d], 2)
        for n in range(batch):
            h = h0[d, n:n + 1]
            cell = None if c0 is None else c0[d, n:n + 1].astype(np.float64)
            order = range(int(lengths[n]))
            for t in reversed(order) if backward else order:
                h, cell = step(x[t, n:n + 1], w[d], r[d], wb, rb, h, cell)
                y[t, d, n] = h[0]
            last_h[d, n] = h[0]
            if cell is not None:
                last_c[d, n] = cell[0]
    return (y, last_h) if c0 is None else (y, last_h, last_c)


for name, step in dict(RNN=rnn_step, GRU=gru_step, LSTM=lstm_step).items():
    RECIPES[name] = lambda c, *inputs, step=step: layer(step, c, *inputs)
