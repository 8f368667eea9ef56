#!/usr/bin/python3
"""Multilayer perceptrons as Gemm and activations."""
import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from data import table
from graph import Graph, main, write

ACTIVATIONS = {'relu': 'Relu', 'tanh': 'Tanh', 'logistic': 'Sigmoid'}


def layers(g, x, estimator):
    last = len(estimator.coefs_) - 1
    for k, (weights, bias) in enumerate(zip(estimator.coefs_, estimator.intercepts_)):
        x = g.op('Gemm', x, weights.astype(np.float32), bias.astype(np.float32))
        if k < last:
            x = g.op(ACTIVATIONS[estimator.activation], x)
    return x


def networks(folder):
    warnings.simplefilter('ignore')  # few rounds are enough here
    for name, estimator, data in [
        ('perceptron', MLPClassifier((32,), max_iter=40, random_state=1), 'digits'),
        ('perceptron-two-classes', MLPClassifier((16, 8), activation='logistic', max_iter=150, random_state=2), 'breast_cancer'),
        ('perceptron-regressor', MLPRegressor((16,), activation='tanh', max_iter=100, random_state=3), 'diabetes'),
    ]:
        x, y = table(data, standard=data != 'digits')
        estimator.fit(x, y)
        g = Graph()
        out = layers(g, g.input('x', 'float32', None, x.shape[1]), estimator)
        if isinstance(estimator, MLPRegressor):
            g.output(out, 'y', 'float32', None, 1)
            write(folder, name, g, {'x': x}, {'y': estimator.predict(x)[:, None]})
            continue
        if estimator.n_outputs_ == 1:
            second = g.op('Sigmoid', out)
            scores = g.op('Concat', g.op('Sub', np.float32(1), second), second, axis=1)
        else:
            scores = g.op('Softmax', out, axis=1)
        best = g.op('ArgMax', scores, axis=1, keepdims=0)
        g.output(g.op('Gather', estimator.classes_.astype(np.int64), best), 'label', 'int64', None)
        g.output(scores, 'probabilities', 'float32', None, len(estimator.classes_))
        expected = {'label': estimator.predict(x), 'probabilities': estimator.predict_proba(x)}
        write(folder, name, g, {'x': x}, expected)


if __name__ == '__main__':
    main([networks])
