#!/usr/bin/python3
"""Support vector machines as SVMClassifier and SVMRegressor."""
import numpy as np
from sklearn.svm import SVC, SVR, OneClassSVM

from data import table
from graph import Graph, main, write
from trees import finish


def kernel(estimator):
    return {'kernel_type': estimator.kernel.upper(), 'support_vectors': estimator.support_vectors_.ravel().tolist(),
            'kernel_params': [estimator._gamma, estimator.coef0, estimator.degree]}


def svc(estimator, features):
    """scikit-learn flips the signs of two classes in its public attributes; the private ones are libsvm's."""
    g = Graph()
    x = g.input('x', 'float32', None, features)
    attributes = {'coefficients': estimator._dual_coef_.ravel().tolist(), 'rho': estimator._intercept_.tolist(),
                  'vectors_per_class': estimator.n_support_.tolist(),
                  'classlabels_ints': estimator.classes_.tolist()}
    if estimator.probability:
        attributes.update(prob_a=estimator.probA_.tolist(), prob_b=estimator.probB_.tolist())
    label, scores = g.ml('SVMClassifier', x, outputs=2, **attributes, **kernel(estimator))
    if estimator.probability:
        finish(g, estimator, label, scores, maps=False)
    else:
        g.output(label, 'label', 'int64', None)
        g.output(scores, 'scores', 'float32', None, len(attributes['rho']))
    return g


def classifiers(folder):
    for name, data, estimator in [
        ('svc-rbf', 'digits', SVC(decision_function_shape='ovo')),
        ('svc-poly', 'wine', SVC(kernel='poly', coef0=1, probability=True, random_state=1)),
        ('svc-sigmoid', 'iris', SVC(kernel='sigmoid', gamma=0.05, probability=True, random_state=2)),
        ('svc-rbf-two-classes', 'breast_cancer', SVC(probability=True, random_state=3)),
        ('svc-linear', 'wine', SVC(kernel='linear', decision_function_shape='ovo')),
        ('svc-rbf-probabilities', 'iris', SVC(probability=True, random_state=4)),
    ]:
        x, y = table(data, standard=data != 'digits')
        estimator.fit(x, y)
        if estimator.probability:
            # The label is the winner of the votes, as in libsvm, not the most probable class.
            expected = {'label': estimator.predict(x), 'probabilities': estimator.predict_proba(x)}
        else:
            expected = {'label': estimator.predict(x), 'scores': estimator.decision_function(x)}
        write(folder, name, svc(estimator, x.shape[1]), {'x': x}, expected)


def regressors(folder):
    for name, estimator in [
        ('svr-rbf', SVR(C=100)), ('svr-poly', SVR(kernel='poly', degree=2, coef0=1, C=10)),
        ('svr-linear', SVR(kernel='linear')), ('svr-sigmoid', SVR(kernel='sigmoid', gamma=0.02, C=10)),
        ('one-class-svm', OneClassSVM(nu=0.2)),
    ]:
        x, y = table('diabetes', standard=True)
        one_class = isinstance(estimator, OneClassSVM)
        estimator.fit(x, y)
        g = Graph()
        value = g.input('x', 'float32', None, x.shape[1])
        result = g.ml('SVMRegressor', value, coefficients=estimator.dual_coef_.ravel().tolist(),
                      rho=estimator.intercept_.tolist(), n_supports=len(estimator.support_vectors_),
                      one_class=int(one_class), **kernel(estimator))
        g.output(result, 'y', 'float32', None, 1)
        # Rows on the border of the class itself could fall to either side.
        clear = np.abs(estimator.decision_function(x)) > 1e-5 if one_class else np.full(len(x), True)
        write(folder, name, g, {'x': x[clear]}, {'y': estimator.predict(x[clear]).reshape(-1, 1).astype(np.float64)})


if __name__ == '__main__':
    main([classifiers, regressors])
