#!/usr/bin/python3
"""Naive Bayes, in float64: log likelihoods of thousands leave float32 no digits behind the point."""
import numpy as np
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB

from data import table
from graph import Graph, main, write


def gaussian(g, x, estimator):
    """-1/2 sum of ((x - mean)^2 / variance + log(2 pi variance)) for each class."""
    precision = 0.5 / estimator.var_
    constant = np.log(estimator.class_prior_) - 0.5 * np.log(2 * np.pi * estimator.var_).sum(1)
    away = g.op('Sub', g.op('Unsqueeze', x, np.array([1])), estimator.theta_)
    squares = g.op('Mul', g.op('Mul', away, away), precision)
    return g.op('Sub', constant, g.op('ReduceSum', squares, np.array([2]), keepdims=0))


def multinomial(g, x, estimator):
    return g.op('Gemm', x, estimator.feature_log_prob_, estimator.class_log_prior_, transB=1)


def bernoulli(g, x, estimator):
    absent = np.log(1 - np.exp(estimator.feature_log_prob_))
    constant = estimator.class_log_prior_ + absent.sum(1)
    return g.op('Gemm', x, estimator.feature_log_prob_ - absent, constant, transB=1)


def bayes(folder):
    for name, estimator, likelihood, data in [
        ('naive-bayes-gaussian', GaussianNB(), gaussian, 'wine'),
        ('naive-bayes-multinomial', MultinomialNB(), multinomial, 'digits'),
        ('naive-bayes-bernoulli', BernoulliNB(binarize=7.5), bernoulli, 'digits'),
    ]:
        x, y = table(data)
        estimator.fit(x.astype(np.float64), y)
        g = Graph()
        value = g.input('x', 'float32', None, x.shape[1])
        if isinstance(estimator, BernoulliNB):
            value = g.ml('Binarizer', value, threshold=estimator.binarize)
        joint = likelihood(g, g.op('Cast', value, to=11), estimator)
        best = g.op('ArgMax', joint, axis=1, keepdims=0)
        g.output(g.op('Gather', estimator.classes_.astype(np.int64), best), 'label', 'int64', None)
        g.output(g.op('Softmax', joint, axis=1), 'probabilities', 'float64', None, len(estimator.classes_))
        expected = {'label': estimator.predict(x), 'probabilities': estimator.predict_proba(x.astype(np.float64))}
        write(folder, name, g, {'x': x}, expected)


if __name__ == '__main__':
    main([bayes])
