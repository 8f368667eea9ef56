"""scikit-learn's bundled data as float32, which is what the models are fed."""
import numpy as np
from sklearn import datasets


def table(name, standard=False):
    """Features and targets; `standard`: every feature with mean 0 and variance 1."""
    x, y = getattr(datasets, f'load_{name}')(return_X_y=True)
    if standard:
        x = (x - x.mean(0)) / x.std(0)
    return x.astype(np.float32), y


def names(name):
    return [str(n) for n in getattr(datasets, f'load_{name}')().target_names]
