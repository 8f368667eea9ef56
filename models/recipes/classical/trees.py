#!/usr/bin/python3
"""Decision trees, forests and gradient boosting as TreeEnsembleClassifier and TreeEnsembleRegressor."""
import numpy as np
from sklearn.ensemble import (ExtraTreesClassifier, ExtraTreesRegressor, GradientBoostingClassifier,
                              GradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from data import names, table
from graph import Graph, main, write

# Forests have a power of two trees: a share of 1 / trees is then exact in float32, and so are ties.
TREES = 16


def below(thresholds):
    """The largest float32 numbers that are at most `thresholds`: x <= t is the same for every float32 x."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)


def ensemble(leaf, trees):
    """Attributes of an ensemble. `trees`: pairs of a fitted sklearn tree and votes [nodes, targets] of its leaves;
    a NaN is no vote."""
    out = {}

    def add(name, values):
        out.setdefault(name, []).extend(np.asarray(values).tolist())

    for number, (tree, votes) in enumerate(trees):
        n = tree.node_count
        leaves = tree.children_left < 0
        add('nodes_treeids', [number] * n)
        add('nodes_nodeids', range(n))
        add('nodes_featureids', np.where(leaves, 0, tree.feature))
        add('nodes_values', np.where(leaves, 0, below(tree.threshold)))
        add('nodes_modes', np.where(leaves, 'LEAF', 'BRANCH_LEQ'))
        add('nodes_truenodeids', np.where(leaves, 0, tree.children_left))
        add('nodes_falsenodeids', np.where(leaves, 0, tree.children_right))
        node, target = np.nonzero(leaves[:, None] & ~np.isnan(votes))
        add(f'{leaf}_treeids', [number] * len(node))
        add(f'{leaf}_nodeids', node)
        add(f'{leaf}_ids', target)
        add(f'{leaf}_weights', votes[node, target])
    return out


def labels_of(classes):
    strings = classes.dtype.kind in 'UO'
    return {'classlabels_strings' if strings else 'classlabels_int64s': classes.tolist()}


def shares(trees):
    """Votes of a classifier's trees: class shares. Of two classes only the second counts, under the first's number,
    which is how ONNX Runtime wants it."""
    for tree in trees:
        share = tree.tree_.value[:, 0, :]
        share = share / share.sum(1, keepdims=True) / len(trees)
        yield tree.tree_, share[:, 1:] if share.shape[1] == 2 else share


def classifier(estimator, features, maps=False):
    g = Graph()
    x = g.input('x', 'float32', None, features)
    trees = getattr(estimator, 'estimators_', [estimator])
    attributes = ensemble('class', shares(list(np.ravel(trees))))
    label, scores = g.ml('TreeEnsembleClassifier', x, outputs=2, **attributes, **labels_of(estimator.classes_))
    finish(g, estimator, label, scores, maps)
    return g


def boosted_classifier(estimator, x):
    g = Graph()
    value = g.input('x', 'float32', None, x.shape[1])
    stages = estimator.estimators_
    votes = []
    for stage in stages:
        for k, tree in enumerate(stage):
            vote = np.full((tree.tree_.node_count, len(stage)), np.nan)
            vote[:, k] = tree.tree_.value[:, 0, 0] * estimator.learning_rate
            votes.append((tree.tree_, vote))
    attributes = ensemble('class', votes)
    label, scores = g.ml('TreeEnsembleClassifier', value, outputs=2, **attributes, **labels_of(estimator.classes_),
                         base_values=estimator._raw_predict_init(x[:1])[0].tolist(),
                         post_transform='LOGISTIC' if stages.shape[1] == 1 else 'SOFTMAX')
    finish(g, estimator, label, scores, False)
    return g


def finish(g, estimator, label, scores, maps):
    kind = 'string' if estimator.classes_.dtype.kind in 'UO' else 'int64'
    g.output(label, 'label', kind, None)
    g.output(scores, 'probabilities', 'float32', None, len(estimator.classes_))
    if maps:
        g.maps(scores, 'maps', estimator.classes_.tolist())


def regressor(trees, features, scale=1, base=None, aggregate='AVERAGE'):
    """Trees whose leaves hold a value for each target, which are averaged or added up."""
    g = Graph()
    x = g.input('x', 'float32', None, features)
    attributes = ensemble('target', [(t.tree_, t.tree_.value[:, :, 0] * scale) for t in trees])
    if base is not None:
        attributes['base_values'] = base
    targets = trees[0].tree_.value.shape[1]
    y = g.ml('TreeEnsembleRegressor', x, **attributes, n_targets=targets, aggregate_function=aggregate)
    g.output(y, 'y', 'float32', None, targets)
    return g


def classifiers(folder):
    for name, estimator, data, strings in [
        ('decision-tree', DecisionTreeClassifier(random_state=1), 'iris', True),
        ('decision-tree-depth-3', DecisionTreeClassifier(max_depth=3, random_state=1), 'digits', False),
        ('random-forest', RandomForestClassifier(TREES, random_state=2), 'digits', False),
        ('random-forest-two-classes', RandomForestClassifier(TREES, max_depth=4, random_state=3), 'breast_cancer', False),
        ('extra-trees', ExtraTreesClassifier(TREES, random_state=4), 'wine', True),
    ]:
        x, y = table(data)
        y = np.array(names(data))[y] if strings else y
        estimator.fit(x, y)
        expected = {'label': estimator.predict(x), 'probabilities': estimator.predict_proba(x)}
        write(folder, name, classifier(estimator, x.shape[1], maps=strings), {'x': x}, expected)
    for name, data in [('gradient-boosting', 'wine'), ('gradient-boosting-two-classes', 'breast_cancer')]:
        x, y = table(data)
        estimator = GradientBoostingClassifier(n_estimators=30, random_state=5).fit(x, y)
        expected = {'label': estimator.predict(x), 'probabilities': estimator.predict_proba(x)}
        write(folder, name, boosted_classifier(estimator, x), {'x': x}, expected)


def regressors(folder):
    for name, estimator, data in [
        ('decision-tree-regressor', DecisionTreeRegressor(random_state=1), 'diabetes'),
        ('random-forest-regressor', RandomForestRegressor(TREES, random_state=2), 'diabetes'),
        ('extra-trees-regressor-targets', ExtraTreesRegressor(TREES, random_state=3), 'linnerud'),
    ]:
        x, y = table(data)
        estimator.fit(x, y)
        trees = getattr(estimator, 'estimators_', [estimator])
        write(folder, name, regressor(trees, x.shape[1]), {'x': x}, {'y': estimator.predict(x).reshape(len(x), -1)})
    x, y = table('diabetes')
    estimator = GradientBoostingRegressor(n_estimators=50, random_state=4).fit(x, y)
    g = regressor(list(estimator.estimators_[:, 0]), x.shape[1], scale=estimator.learning_rate,
                  base=estimator._raw_predict_init(x[:1])[0].tolist(), aggregate='SUM')
    write(folder, 'gradient-boosting-regressor', g, {'x': x}, {'y': estimator.predict(x)[:, None]})


if __name__ == '__main__':
    main([classifiers, regressors])
