#!/usr/bin/python3
"""Classical models of the size that is worth timing, on made-up data: 1,000 rows to predict, 2,000 to learn from."""
import numpy as np
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from graph import main, write
from neighbours import classifier as neighbours_classifier
from svm import svc
from trees import classifier, regressor

ROWS, LEARNT = 1000, 2000


def classes():
    x, y = make_classification(ROWS + LEARNT, n_features=32, n_informative=16, n_classes=8, class_sep=0.8, random_state=1)
    return x.astype(np.float32), y


def large(folder):
    x, y = classes()
    known, rows = slice(ROWS, None), slice(0, ROWS)
    forest = RandomForestClassifier(100, max_depth=10, random_state=2).fit(x[known], y[known])
    expected = {'label': forest.predict(x[rows]), 'probabilities': forest.predict_proba(x[rows])}
    write(folder, 'forest-100', classifier(forest, x.shape[1]), {'x': x[rows]}, expected)

    machine = SVC(decision_function_shape='ovo').fit(x[known], y[known])
    expected = {'label': machine.predict(x[rows]), 'scores': machine.decision_function(x[rows])}
    write(folder, 'svc-rbf', svc(machine, x.shape[1]), {'x': x[rows]}, expected)

    near = KNeighborsClassifier(5).fit(x[known], y[known])
    expected = {'label': near.predict(x[rows]), 'probabilities': near.predict_proba(x[rows])}
    write(folder, 'k-neighbours', neighbours_classifier(near, x[known], y[known]), {'x': x[rows]}, expected)

    x, y = make_regression(ROWS + LEARNT, n_features=32, n_informative=20, noise=5, random_state=3)
    x = x.astype(np.float32)
    boosted = GradientBoostingRegressor(n_estimators=1000, max_depth=5, subsample=0.5, random_state=4)
    boosted.fit(x[known], y[known])
    g = regressor(list(boosted.estimators_[:, 0]), x.shape[1], scale=boosted.learning_rate,
                  base=boosted._raw_predict_init(x[:1])[0].tolist(), aggregate='SUM')
    write(folder, 'boosted-1000', g, {'x': x[rows]}, {'y': boosted.predict(x[rows])[:, None]})


if __name__ == '__main__':
    main([large])
