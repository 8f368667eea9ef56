#!/usr/bin/python3
"""k nearest neighbours, spelled with distances, TopK and Gather."""
import numpy as np
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from data import table
from graph import MICROSOFT, Graph, main, write


def squares_by_product(g, x, known):
    """|x|^2 - 2 x k + |k|^2 in float64, where the cancellation does no harm."""
    known = known.astype(np.float64)
    wide = g.op('Cast', x, to=11)
    own = g.op('ReduceSumSquare', wide, axes=[1], keepdims=1)
    cross = g.op('Gemm', wide, known, (known ** 2).sum(1), transB=1, alpha=-2.0)
    return g.op('Cast', g.op('Add', own, cross), to=1)


def distances_by_scan(g, x, known):
    """Row after row of those known, as skl2onnx spells it."""
    body = Graph()
    rows = body.input('next_in', 'float32', None, known.shape[1])
    difference = body.op('Sub', rows, body.input('next', 'float32', known.shape[1]))
    squares = body.op('ReduceSumSquare', difference, axes=[1], keepdims=0)
    body.output(rows, 'next_out', 'float32', None, known.shape[1])
    body.output(squares, 'scan_out', 'float32', None)
    _, of_known = g.op('Scan', x, known, outputs=2, num_scan_inputs=1, body=body.body())
    return g.op('Sqrt', g.op('Transpose', of_known, perm=[1, 0]))


def nearest(g, x, estimator, known, by_scan=False):
    """Places [N, k] of the nearest known rows, and their weights [N, k], which add up to 1."""
    if by_scan:
        k = np.array([estimator.n_neighbors])
        _, places = g.op('TopK', distances_by_scan(g, x, known), k, outputs=2, axis=1, largest=0)
        return places, None
    if estimator.weights == 'uniform':
        squares = squares_by_product(g, x, known)
        _, places = g.op('TopK', squares, np.array([estimator.n_neighbors]), outputs=2, axis=1, largest=0)
        return places, None
    distances = g.op('CDist', x, known, domain=MICROSOFT, metric='euclidean')
    near, places = g.op('TopK', distances, np.array([estimator.n_neighbors]), outputs=2, axis=1, largest=0)
    # A row that is known itself counts alone.
    weights = g.op('Reciprocal', near)
    same = g.op('Cast', g.op('Equal', near, np.float32(0)), to=1)
    any_same = g.op('Greater', g.op('ReduceMax', same, axes=[1], keepdims=1), np.float32(0))
    weights = g.op('Where', any_same, same, weights)
    return places, g.op('Div', weights, g.op('ReduceSum', weights, np.array([1]), keepdims=1))


def average(g, values, weights):
    """Of values [N, k, targets] over the neighbours."""
    if weights is None:
        return g.op('ReduceMean', values, axes=[1], keepdims=0)
    weighted = g.op('Mul', values, g.op('Unsqueeze', weights, np.array([2])))
    return g.op('ReduceSum', weighted, np.array([1]), keepdims=0)


def classifier(estimator, known, classes, by_scan=False):
    g = Graph()
    value = g.input('x', 'float32', None, known.shape[1])
    places, weights = nearest(g, value, estimator, known, by_scan)
    votes = np.eye(len(estimator.classes_), dtype=np.float32)[classes]
    probabilities = average(g, g.op('Gather', votes, places), weights)
    best = g.op('ArgMax', probabilities, axis=1, keepdims=0)
    label = g.ml('ArrayFeatureExtractor', estimator.classes_.astype(np.int64), best)
    g.output(g.op('Reshape', label, np.array([-1])), 'label', 'int64', None)
    g.output(probabilities, 'probabilities', 'float32', None, votes.shape[1])
    return g


def neighbours(folder):
    for name, estimator, data in [
        ('k-neighbours', KNeighborsClassifier(5), 'wine'),
        ('k-neighbours-by-scan', KNeighborsClassifier(3), 'wine'),
        ('k-neighbours-by-distance', KNeighborsClassifier(7, weights='distance'), 'breast_cancer'),
        ('k-neighbours-regressor', KNeighborsRegressor(5), 'diabetes'),
        ('k-neighbours-regressor-by-distance', KNeighborsRegressor(4, weights='distance'), 'linnerud'),
    ]:
        x, y = table(data, standard=True)
        # Every third row is unknown to the model.
        known = np.arange(len(x)) % 3 != 0
        estimator.fit(x[known], y[known])
        if isinstance(estimator, KNeighborsClassifier):
            g = classifier(estimator, x[known], y[known], by_scan=name.endswith('scan'))
            expected = {'label': estimator.predict(x), 'probabilities': estimator.predict_proba(x)}
        else:
            g = Graph()
            value = g.input('x', 'float32', None, x.shape[1])
            places, weights = nearest(g, value, estimator, x[known])
            targets = y[known].reshape(known.sum(), -1).astype(np.float32)
            g.output(average(g, g.op('Gather', targets, places), weights), 'y', 'float32', None, targets.shape[1])
            expected = {'y': estimator.predict(x).reshape(len(x), -1)}
        write(folder, name, g, {'x': x}, expected)


if __name__ == '__main__':
    main([neighbours])
