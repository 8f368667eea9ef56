#!/usr/bin/python3
"""Time series: autoregression, seasonal exponential smoothing, an LSTM. The expected values are numpy's."""
import numpy as np

from graph import Graph, main, write

MONTHS = 12


def sales(n=120, seed=1):
    """A made series with a trend, seasons and noise."""
    t = np.arange(n)
    noise = np.random.RandomState(seed).randn(n)
    return (50 + 0.4 * t + 10 * np.sin(2 * np.pi * t / MONTHS) + 4 * np.cos(4 * np.pi * t / MONTHS) + 2 * noise)


def autoregression(folder):
    """The next values from the last twelve, by a Loop that feeds its own forecasts back."""
    y = sales()
    past = np.lib.stride_tricks.sliding_window_view(y[:-1], MONTHS)
    design = np.hstack([past, np.ones((len(past), 1))])
    fitted = np.linalg.lstsq(design, y[MONTHS:], rcond=None)[0]
    weights, intercept = fitted[:-1], fitted[-1]

    body = Graph()
    body.input('i', 'int64')
    body.input('go', 'bool')
    window = body.input('window', 'float32', MONTHS)
    product = body.op('MatMul', window, weights.astype(np.float32)[:, None])
    value = body.op('Add', product, np.array([intercept], np.float32))
    rest = body.op('Slice', window, np.array([1]), np.array([MONTHS]), np.array([0]))
    body.output('go', 'go_on', 'bool')
    body.output(body.op('Concat', rest, value, axis=0), 'next', 'float32', MONTHS)
    body.output(value, 'forecast', 'float32', 1)
    g = Graph()
    start = g.input('history', 'float32', MONTHS)
    steps = g.input('steps', 'int64')
    _, forecasts = g.op('Loop', steps, '', start, outputs=2, body=body.body())
    g.output(g.op('Squeeze', forecasts, np.array([1])), 'forecast', 'float32', None)

    history = y[-MONTHS:].astype(np.float32)
    expected = list(history.astype(np.float64))
    for _ in range(24):
        expected.append(np.dot(weights, expected[-MONTHS:]) + intercept)
    write(folder, 'autoregression', g, {'history': history, 'steps': np.int64(24)},
          {'forecast': np.array(expected[MONTHS:])}, rows=False)


def holt_winters(folder):
    """Level, trend and seasons carried along the series by a Scan; then a year of forecasts."""
    alpha, beta, gamma = 0.3, 0.05, 0.2
    y = sales(seed=2).astype(np.float32)
    level, trend = np.float64(y[:MONTHS].mean()), np.float64(y[MONTHS:2 * MONTHS].mean() - y[:MONTHS].mean()) / MONTHS
    season = y[:MONTHS].astype(np.float64) - level
    start = [level, trend, season]

    body = Graph()
    l, b = body.input('level', 'float32', 1), body.input('trend', 'float32', 1)
    s = body.input('season', 'float32', MONTHS)
    x = body.op('Reshape', body.input('x', 'float32'), np.array([1]))

    def mix(share, new, old):
        f = np.float32(share)
        return body.op('Add', body.op('Mul', new, f), body.op('Mul', old, np.float32(1 - share)))

    first = body.op('Slice', s, np.array([0]), np.array([1]), np.array([0]))
    before = body.op('Add', l, b)
    fitted = body.op('Add', before, first)
    new_level = mix(alpha, body.op('Sub', x, first), before)
    new_trend = mix(beta, body.op('Sub', new_level, l), b)
    new_first = mix(gamma, body.op('Sub', x, new_level), first)
    turned = body.op('Concat', body.op('Slice', s, np.array([1]), np.array([MONTHS]), np.array([0])), new_first, axis=0)
    for value, name, shape in [(new_level, 'l', [1]), (new_trend, 'b', [1]), (turned, 's', [MONTHS]), (fitted, 'f', [1])]:
        body.output(value, name, 'float32', *shape)
    g = Graph()
    series = g.input('series', 'float32', None)
    level_0, trend_0, season_0 = [np.atleast_1d(v).astype(np.float32) for v in start]
    l, b, s, fitted = g.op('Scan', level_0, trend_0, season_0, series, outputs=4, num_scan_inputs=1, body=body.body())
    ahead = g.op('Mul', b, np.arange(1, MONTHS + 1, dtype=np.float32))
    g.output(g.op('Add', g.op('Add', l, ahead), s), 'forecast', 'float32', MONTHS)
    g.output(g.op('Squeeze', fitted, np.array([1])), 'fitted', 'float32', None)

    season, expected = list(season), []
    for x in y.astype(np.float64):
        first = season.pop(0)
        expected.append(level + trend + first)
        new = alpha * (x - first) + (1 - alpha) * (level + trend)
        trend = beta * (new - level) + (1 - beta) * trend
        level = new
        season.append(gamma * (x - level) + (1 - gamma) * first)
    forecast = level + trend * np.arange(1, MONTHS + 1) + season
    write(folder, 'holt-winters', g, {'series': y}, {'forecast': forecast, 'fitted': np.array(expected)}, rows=False)


def lstm_forecaster(folder):
    """A fixed random LSTM whose last state a least-squares readout turns into the next value."""
    units, length = 16, 24
    random = np.random.RandomState(3)
    w, r = random.randn(4 * units, 1) * 0.8, random.randn(4 * units, units) * 0.4
    bias = random.randn(8 * units) * 0.3

    def states(x):
        """The last state of each series [N, length]; gates are in ONNX's order: input, output, forget, cell."""
        sigmoid = lambda v: 1 / (1 + np.exp(-v))
        h = c = np.zeros((len(x), units))
        for t in range(x.shape[1]):
            gates = x[:, t:t + 1] @ w.T + h @ r.T + bias[:4 * units] + bias[4 * units:]
            i, o, f, z = np.split(gates, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(z)
            h = sigmoid(o) * np.tanh(c)
        return h

    y = (sales(200, seed=4) - 90) / 30
    x = np.lib.stride_tricks.sliding_window_view(y[:-1], length).astype(np.float32)
    h = states(x.astype(np.float64))
    readout = np.linalg.solve(h.T @ h + 1e-2 * np.eye(units), h.T @ y[length:])
    g = Graph()
    value = g.input('x', 'float32', None, length)
    by_time = g.op('Unsqueeze', g.op('Transpose', value, perm=[1, 0]), np.array([2]))
    single = lambda a: a.astype(np.float32)[None]
    _, last = g.op('LSTM', by_time, single(w), single(r), single(bias), outputs=2, hidden_size=units)
    state = g.op('Squeeze', last, np.array([0]))
    g.output(g.op('MatMul', state, readout.astype(np.float32)[:, None]), 'y', 'float32', None, 1)
    write(folder, 'lstm-forecaster', g, {'x': x}, {'y': (h @ readout)[:, None]})


if __name__ == '__main__':
    main([autoregression, holt_winters, lstm_forecaster])
