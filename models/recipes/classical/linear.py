#!/usr/bin/python3
"""Linear models as LinearClassifier and LinearRegressor."""
import numpy as np
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.svm import LinearSVC, LinearSVR

from data import names, table
from graph import Graph, main, write
from trees import finish


def linear_classifier(g, x, estimator, transform):
    """Label and scores. Of two classes the first has the opposite of the second's score."""
    coefficients, intercepts = estimator.coef_, estimator.intercept_
    if len(coefficients) == 1:
        coefficients, intercepts = np.vstack([-coefficients, coefficients]), np.hstack([-intercepts, intercepts])
    strings = estimator.classes_.dtype.kind in 'UO'
    return g.ml('LinearClassifier', x, outputs=2, coefficients=coefficients.ravel().tolist(),
                intercepts=intercepts.tolist(), post_transform=transform,
                **{'classlabels_strings' if strings else 'classlabels_ints': estimator.classes_.tolist()})


def classifiers(folder):
    for name, estimator, data, transform in [
        ('logistic-two-classes', LogisticRegression(), 'breast_cancer', 'LOGISTIC'),
        ('logistic-multinomial', LogisticRegression(max_iter=500), 'iris', 'SOFTMAX'),
        ('logistic-one-against-rest', LogisticRegression(multi_class='ovr'), 'wine', 'LOGISTIC'),
    ]:
        x, y = table(data, standard=True)
        estimator.fit(x, np.array(names(data))[y])
        g = Graph()
        value = g.input('x', 'float32', None, x.shape[1])
        label, scores = linear_classifier(g, value, estimator, transform)
        if estimator.multi_class == 'ovr':
            scores = g.ml('Normalizer', scores, norm='L1')
        finish(g, estimator, label, scores, maps=True)
        expected = {'label': estimator.predict(x), 'probabilities': estimator.predict_proba(x)}
        write(folder, name, g, {'x': x}, expected)
    x, y = table('digits', standard=False)
    estimator = LinearSVC(random_state=1, max_iter=200, tol=1e-2, C=0.01).fit(x / 16, y)
    g = Graph()
    value = g.input('x', 'float32', None, x.shape[1])
    label, scores = linear_classifier(g, value, estimator, 'NONE')
    finish(g, estimator, label, scores, maps=False)
    x = x / 16
    write(folder, 'linear-svc', g, {'x': x},
          {'label': estimator.predict(x), 'probabilities': estimator.decision_function(x)})


def regressors(folder):
    for name, estimator, data in [
        ('linear-regression', LinearRegression(), 'diabetes'),
        ('ridge', Ridge(alpha=0.1), 'diabetes'),
        ('lasso', Lasso(alpha=0.05), 'diabetes'),
        ('linear-regression-targets', LinearRegression(), 'linnerud'),
        ('linear-svr', LinearSVR(random_state=1, C=100, max_iter=2000), 'diabetes'),
    ]:
        x, y = table(data)
        estimator.fit(x, y)
        targets = 1 if y.ndim == 1 else y.shape[1]
        g = Graph()
        value = g.input('x', 'float32', None, x.shape[1])
        result = g.ml('LinearRegressor', value, coefficients=np.ravel(estimator.coef_).tolist(), targets=targets,
                      intercepts=np.ravel(estimator.intercept_).tolist())
        g.output(result, 'y', 'float32', None, targets)
        write(folder, name, g, {'x': x}, {'y': estimator.predict(x).reshape(len(x), -1)})


if __name__ == '__main__':
    main([classifiers, regressors])
