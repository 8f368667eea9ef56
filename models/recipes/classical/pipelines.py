#!/usr/bin/python3
"""Pipelines: missing numbers, scaling, words as features, words as labels."""
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, MinMaxScaler, Normalizer, OneHotEncoder, StandardScaler

from data import names, table
from graph import Graph, main, write
from linear import linear_classifier
from trees import TREES, ensemble, finish, labels_of, shares


def with_gaps(x, seed):
    x = x.copy()
    x[np.random.RandomState(seed).rand(*x.shape) < 0.1] = np.nan
    return x


def impute(g, x, imputer):
    return g.ml('Imputer', x, imputed_value_floats=imputer.statistics_.tolist(), replaced_value_float=float('nan'))


def scale(g, x, scaler):
    if isinstance(scaler, MinMaxScaler):
        return g.ml('Scaler', x, offset=(-scaler.min_ / scaler.scale_).tolist(), scale=scaler.scale_.tolist())
    return g.ml('Scaler', x, offset=scaler.mean_.tolist(), scale=(1 / scaler.scale_).tolist())


def imputed_forest(folder):
    x, y = table('wine')
    x, y = with_gaps(x, 1), np.array(names('wine'))[y]
    pipeline = make_pipeline(SimpleImputer(strategy='median'), RandomForestClassifier(TREES, random_state=1)).fit(x, y)
    imputer, forest = [step for _, step in pipeline.steps]
    g = Graph()
    value = impute(g, g.input('x', 'float32', None, x.shape[1]), imputer)
    label, scores = g.ml('TreeEnsembleClassifier', value, outputs=2, **ensemble('class', shares(forest.estimators_)),
                         **labels_of(forest.classes_))
    finish(g, forest, label, scores, maps=True)
    write(folder, 'pipeline-imputed-forest', g, {'x': x},
          {'label': pipeline.predict(x), 'probabilities': pipeline.predict_proba(x)})


def normalised(folder):
    x, y = table('iris')
    pipeline = make_pipeline(MinMaxScaler(), Normalizer('l2'), LogisticRegression()).fit(x, y)
    scaler, _, model = [step for _, step in pipeline.steps]
    g = Graph()
    value = scale(g, g.input('x', 'float32', None, x.shape[1]), scaler)
    value = g.ml('Normalizer', value, norm='L2')
    label, scores = linear_classifier(g, value, model, 'SOFTMAX')
    finish(g, model, label, scores, maps=True)
    write(folder, 'pipeline-normalised', g, {'x': x},
          {'label': pipeline.predict(x), 'probabilities': pipeline.predict_proba(x)})


def words_and_numbers(folder):
    """Two features of the wines in words, the others as numbers with gaps; labels are numbers that a LabelEncoder
    turns into words."""
    x, y = table('wine')
    levels = np.array(['low', 'middling', 'high'])
    words = np.stack([levels[np.digitize(x[:, k], np.quantile(x[:, k], [0.3, 0.7]))] for k in (0, 9)], axis=1)
    numbers = with_gaps(x[:, [1, 2, 6, 11]], 2)
    rows = np.hstack([words.astype(object), numbers.astype(object)])
    columns = ColumnTransformer([
        ('words', OneHotEncoder(), [0, 1]),
        ('numbers', make_pipeline(SimpleImputer(), StandardScaler()), [2, 3, 4, 5]),
    ], sparse_threshold=0)
    pipeline = make_pipeline(columns, LogisticRegression()).fit(rows, y)
    encoder = columns.named_transformers_['words']
    imputer, scaler = [step for _, step in columns.named_transformers_['numbers'].steps]
    model = pipeline.steps[-1][1]
    g = Graph()
    text = g.input('words', 'string', None, 2)
    value = g.input('numbers', 'float32', None, 4)
    parts = []
    for k, categories in enumerate(encoder.categories_):
        column = g.ml('ArrayFeatureExtractor', text, np.array([k]))
        hot = g.ml('OneHotEncoder', column, cats_strings=[str(c) for c in categories], zeros=0)
        parts.append(g.op('Squeeze', hot, np.array([1])))
    parts.append(scale(g, impute(g, value, imputer), scaler))
    joined = g.ml('FeatureVectorizer', *parts, inputdimensions=[len(c) for c in encoder.categories_] + [4])
    label, scores = linear_classifier(g, joined, model, 'SOFTMAX')
    decoder = LabelEncoder().fit(names('wine'))
    label = g.ml('LabelEncoder', label, keys_int64s=[0, 1, 2], values_strings=decoder.classes_.tolist())
    g.output(label, 'label', 'string', None)
    g.output(scores, 'probabilities', 'float32', None, 3)
    g.maps(scores, 'maps', decoder.classes_.tolist())
    write(folder, 'pipeline-words-and-numbers', g, {'words': words, 'numbers': numbers},
          {'label': decoder.classes_[pipeline.predict(rows)], 'probabilities': pipeline.predict_proba(rows)})


if __name__ == '__main__':
    main([imputed_forest, normalised, words_and_numbers])
