// What ONNX's vectors and the recipes do not reach of ai.onnx.ml: every attribute and element type, one node each.
import { randomNumbers } from '../support/random.mjs';
import { f, fs, i, is, s, ss, t, tensor } from './node.mjs';
import { allModes, indexed, numbered, randomForest, randomRows } from './trees.mjs';

const transforms = ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO', 'PROBIT'];
const numeric = ['float32', 'float64', 'int64', 'int32'];
// Between 0 and 1, so that PROBIT has an answer.
const share = (x) => x / 8;

const x23 = (type) => tensor(type, [1, -2, 3, 0, 5, -6], [2, 3]);

function* features() {
  for (const type of numeric) {
    yield {
      op: 'Scaler',
      attributes: { offset: fs([0.5, 1, -1]), scale: fs([2, 0.25, 3]) },
      inputs: [x23(type)],
      outputs: ['float32'],
    };
    yield {
      op: 'Scaler',
      attributes: { offset: fs([0.5]), scale: fs([2]) },
      inputs: [x23(type)],
      outputs: ['float32'],
    };
    for (const norm of ['MAX', 'L1', 'L2']) {
      const rows = tensor(type, [1, -2, 3, 0, 0, 0], [2, 3]);
      yield { op: 'Normalizer', attributes: { norm: s(norm) }, inputs: [rows], outputs: ['float32'] };
    }
    yield {
      op: 'FeatureVectorizer',
      attributes: { inputdimensions: is([3, 2]) },
      inputs: [x23(type), tensor(type, [7, 8, 9, 10], [2, 2])],
      outputs: ['float32'],
    };
    yield {
      op: 'FeatureVectorizer',
      attributes: { inputdimensions: is([2, 4]) },
      inputs: [x23(type), tensor(type, [7, 8, 9, 10], [2, 2])],
      outputs: ['float32'],
    };
    yield {
      op: 'ArrayFeatureExtractor',
      inputs: [x23(type), tensor('int64', [2, 0, 2], [1, 3])],
      outputs: [type],
    };
    yield {
      op: 'ArrayFeatureExtractor',
      inputs: [tensor(type, [4, 5, 6]), tensor('int64', [1])],
      outputs: [type],
    };
  }
  yield {
    op: 'ArrayFeatureExtractor',
    inputs: [tensor('string', ['a', 'b', 'c', 'd'], [2, 2]), tensor('int64', [1])],
    outputs: ['string'],
  };
  yield { op: 'Normalizer', inputs: [tensor('float32', [1, 2, 4])], outputs: ['float32'] };
  yield {
    op: 'Binarizer',
    attributes: { threshold: f(0.5) },
    inputs: [x23('float32')],
    outputs: ['float32'],
  };
  yield { op: 'Binarizer', inputs: [x23('float32')], outputs: ['float32'] };
  const missing = tensor('float32', [1, Number.NaN, 3, Number.NaN, 5, 0], [2, 3]);
  for (const values of [[9], [7, 8, 9]]) {
    yield {
      op: 'Imputer',
      attributes: { imputed_value_floats: fs(values), replaced_value_float: f(Number.NaN) },
      inputs: [missing],
      outputs: ['float32'],
    };
    yield {
      op: 'Imputer',
      attributes: { imputed_value_floats: fs(values), replaced_value_float: f(0) },
      inputs: [missing],
      outputs: ['float32'],
    };
    yield {
      op: 'Imputer',
      attributes: { imputed_value_int64s: is(values), replaced_value_int64: i(-2) },
      inputs: [x23('int64')],
      outputs: ['int64'],
    };
  }
}

function* encoders() {
  const strings = tensor('string', ['b', 'a', 'ü', 'c', 'a', ''], [3, 2]);
  const integers = tensor('int64', [3, 1, 2, -1, 1, 7], [2, 3]);
  const floats = tensor('float32', [1.5, -0, 0, Number.NaN, 2.5, 1e30]);
  for (const zeros of [1]) {
    yield {
      op: 'OneHotEncoder',
      attributes: { cats_strings: ss(['a', 'b', 'c']), zeros: i(zeros) },
      inputs: [strings],
      outputs: ['float32'],
    };
    for (const type of ['int64', 'float32', 'float64'])
      yield {
        op: 'OneHotEncoder',
        attributes: { cats_int64s: is([1, 2, 3]), zeros: i(zeros) },
        inputs: [tensor(type, [3, 1, 2, -1], [2, 2])],
        outputs: ['float32'],
      };
  }
  yield {
    op: 'OneHotEncoder',
    attributes: { cats_int64s: is([1, 2]), zeros: i(0) },
    inputs: [tensor('int64', [2, 1])],
    outputs: ['float32'],
  };
  const mapper = { cats_strings: ss(['a', 'b', 'ü']), cats_int64s: is([1, 2, 3]) };
  yield {
    op: 'CategoryMapper',
    attributes: { ...mapper, default_int64: i(-7) },
    inputs: [strings],
    outputs: ['int64'],
  };
  yield {
    op: 'CategoryMapper',
    attributes: { ...mapper, default_string: s('none') },
    inputs: [integers],
    outputs: ['string'],
  };
  yield {
    op: 'LabelEncoder',
    opset: 1,
    attributes: { classes_strings: ss(['a', 'b', 'c']), default_int64: i(9) },
    inputs: [strings],
    outputs: ['int64'],
  };
  yield {
    op: 'LabelEncoder',
    opset: 1,
    attributes: { classes_strings: ss(['a', 'b', 'c']), default_string: s('?') },
    inputs: [integers],
    outputs: ['string'],
  };
  const keys = { strings: ss(['a', 'b', 'ü']), int64s: is([1, 3, 7]), floats: fs([1.5, 0, Number.NaN]) };
  const values = { strings: ss(['x', 'y', 'z']), int64s: is([10, 20, 30]), floats: fs([0.5, 0.25, -1]) };
  const from = { strings, int64s: integers, floats };
  const typeOf = { strings: 'string', int64s: 'int64', floats: 'float32' };
  const defaults = {
    strings: ['default_string', s('other')],
    int64s: ['default_int64', i(-9)],
    floats: ['default_float', f(-9.5)],
  };
  for (const k of Object.keys(keys)) {
    for (const v of Object.keys(values)) {
      const lists = { [`keys_${k}`]: keys[k], [`values_${v}`]: values[v] };
      for (const opset of [4, 2]) {
        if (opset === 2 && k === v) continue;
        // onnxruntime finds NaN from opset 4 on; the specification always.
        if (opset === 2 && k === 'floats') lists.keys_floats = fs([1.5, 0, 2.5]);
        yield { op: 'LabelEncoder', opset, attributes: lists, inputs: [from[k]], outputs: [typeOf[v]] };
        const [name, value] = defaults[v];
        yield {
          op: 'LabelEncoder',
          opset,
          attributes: { ...lists, [name]: value },
          inputs: [from[k]],
          outputs: [typeOf[v]],
        };
      }
    }
  }
  // The pairs of tensors that onnxruntime has.
  const tensors = [
    ['float64', 'float64', [1.5, 0, Number.NaN], [3, 2, 1]],
    ['float64', 'string', [1.5, 0, Number.NaN], ['x', 'y', 'z']],
    ['string', 'float64', ['a', 'b', 'ü'], [3, 2, 1]],
    ['string', 'int16', ['a', 'b', 'ü'], [3, 2, 1]],
    ['int64', 'int64', [1, 3, 7], [3, 2, 1]],
    ['string', 'string', ['a', 'b', 'ü'], ['x', 'y', 'z']],
  ];
  const inputs = { float64: tensor('float64', [1.5, -0, Number.NaN, 4]), string: strings, int64: integers };
  for (const [kt, vt, k, v] of tensors) {
    const attributes = { keys_tensor: t(tensor(kt, k)), values_tensor: t(tensor(vt, v)) };
    const other = vt === 'string' ? ['else'] : [-5];
    yield {
      op: 'LabelEncoder',
      opset: 4,
      attributes: { ...attributes, default_tensor: t(tensor(vt, other)) },
      inputs: [inputs[kt]],
      outputs: [vt],
    };
  }
}

function* linear() {
  const rows = randomRows({ seed: 5, rows: 9 });
  const random = randomNumbers(8);
  const numbers = (n) => Array.from({ length: n }, () => random() - 0.5);
  for (const transform of transforms) {
    const post_transform = s(transform);
    const scale = transform === 'PROBIT' ? share : (x) => x;
    for (const targets of [1, 3]) {
      const attributes = {
        targets: i(targets),
        coefficients: fs(numbers(4 * targets).map((x) => scale(x) / 4)),
        intercepts: fs(Array(targets).fill(0.5)),
        post_transform,
      };
      yield { op: 'LinearRegressor', attributes, inputs: [rows], outputs: ['float32'] };
    }
    for (const [labels, count] of [
      [['a', 'b', 'c'], 3],
      [['no', 'yes'], 2],
      [['no', 'yes'], 1],
    ]) {
      // onnxruntime leaves the pairs of PROBIT scattered.
      if (transform === 'PROBIT' && count === 1) continue;
      const attributes = {
        coefficients: fs(numbers(4 * count).map((x) => scale(x) / 4)),
        intercepts: fs(
          Array(count)
            .fill(0.5)
            .map((x, k) => x + k / 10),
        ),
        post_transform,
      };
      yield {
        op: 'LinearClassifier',
        attributes: { ...attributes, classlabels_strings: ss(labels) },
        inputs: [rows],
        outputs: ['string', 'float32'],
      };
      yield {
        op: 'LinearClassifier',
        attributes: { ...attributes, classlabels_ints: is(labels.map((_, k) => 10 + k)) },
        inputs: [rows],
        outputs: ['int64', 'float32'],
      };
    }
  }
  for (const type of numeric) {
    const attributes = {
      coefficients: fs(numbers(12)),
      intercepts: fs([0.1, 0.2, 0.3]),
      classlabels_ints: is([0, 1, 2]),
      multi_class: i(1),
    };
    yield {
      op: 'LinearClassifier',
      attributes,
      inputs: [randomRows({ seed: 6, type, rows: 9 })],
      outputs: ['int64', 'float32'],
    };
  }
}

function* svm() {
  const random = randomNumbers(12);
  const numbers = (n, scale = 1) => Array.from({ length: n }, () => (random() - 0.5) * scale);
  const kernels = [
    ['LINEAR', [0, 0, 0]],
    ['POLY', [0.2, 0.5, 3]],
    ['POLY', [0.2, 0.5, 2]],
    ['RBF', [0.3, 0, 0]],
    ['SIGMOID', [0.1, 0.2, 0]],
  ];
  const rows = randomRows({ seed: 15, rows: 20 });
  for (const [kernel, params] of kernels) {
    const base = { kernel_type: s(kernel), kernel_params: fs(params) };
    for (const one_class of [0, 1]) {
      const attributes = {
        ...base,
        n_supports: i(6),
        support_vectors: fs(numbers(24, 4)),
        coefficients: fs(numbers(6)),
        rho: fs([0.1]),
        one_class: i(one_class),
      };
      yield { op: 'SVMRegressor', attributes, inputs: [rows], outputs: ['float32'] };
    }
    for (const counts of [
      [4, 3],
      [3, 2, 4],
      [1, 2, 3, 4],
    ]) {
      const classes = counts.length;
      const pairs = (classes * (classes - 1)) / 2;
      const total = counts.reduce((a, b) => a + b);
      const lists = {
        ...base,
        vectors_per_class: is(counts),
        support_vectors: fs(numbers(total * 4, 4)),
        coefficients: fs(numbers(total * (classes - 1))),
        rho: fs(numbers(pairs, 0.2)),
      };
      const labels = { classlabels_ints: is(counts.map((_, k) => k * 10)) };
      const probabilities = { prob_a: fs(numbers(pairs).map((x) => x - 1.5)), prob_b: fs(numbers(pairs)) };
      yield {
        op: 'SVMClassifier',
        attributes: { ...lists, ...labels },
        inputs: [rows],
        outputs: ['int64', 'float32'],
      };
      yield {
        op: 'SVMClassifier',
        attributes: { ...lists, ...labels, ...probabilities },
        inputs: [rows],
        outputs: ['int64', 'float32'],
      };
      if (kernel !== 'RBF') continue;
      const names = { classlabels_strings: ss(counts.map((_, k) => `class ${k}`)) };
      for (const transform of transforms.slice(0, 4)) {
        yield {
          op: 'SVMClassifier',
          attributes: { ...lists, ...names, post_transform: s(transform) },
          inputs: [rows],
          outputs: ['string', 'float32'],
        };
        yield {
          op: 'SVMClassifier',
          attributes: { ...lists, ...names, ...probabilities, post_transform: s(transform) },
          inputs: [rows],
          outputs: ['string', 'float32'],
        };
      }
      for (const type of numeric.slice(1))
        yield {
          op: 'SVMClassifier',
          attributes: { ...lists, ...labels },
          inputs: [randomRows({ seed: 16, type, rows: 9 })],
          outputs: ['int64', 'float32'],
        };
    }
  }
  yield {
    op: 'SVMRegressor',
    attributes: {
      n_supports: i(0),
      coefficients: fs(numbers(4)),
      rho: fs([0.1]),
      kernel_params: fs([0, 0, 0]),
    },
    inputs: [rows],
    outputs: ['float32'],
  };
  for (const classes of [2, 3]) {
    const attributes = {
      coefficients: fs(numbers(4 * classes)),
      rho: fs([0.1]),
      kernel_params: fs([0, 0, 0]),
      classlabels_ints: is([...Array(classes).keys()]),
    };
    // Of two classes onnxruntime takes the second when any score is positive.
    const label = classes === 2 ? (best) => best : undefined;
    yield { op: 'SVMClassifier', attributes, inputs: [rows], outputs: ['int64', 'float32'], label };
  }
}

function* regressors() {
  for (const mode of allModes) {
    for (const tracks of [false, true]) {
      const forest = randomForest({ seed: 31, modes: [mode], tracks });
      yield {
        op: 'TreeEnsembleRegressor',
        attributes: { ...numbered(forest, 'target'), n_targets: i(1) },
        inputs: [randomRows({ seed: 3, missing: true })],
        outputs: ['float32'],
      };
    }
  }
  for (const aggregate of ['AVERAGE', 'SUM', 'MIN', 'MAX']) {
    for (const base of [false, true]) {
      for (const targets of [[0], [0, 1, 2]]) {
        // Every leaf votes for all: onnxruntime has no base value without a vote.
        const votes = targets.length;
        const forest = randomForest({ seed: 33, modes: allModes, targets, votes, tracks: true });
        const attributes = {
          ...numbered(forest, 'target'),
          n_targets: i(targets.length),
          aggregate_function: s(aggregate),
        };
        if (base) attributes.base_values = fs(targets.map((k) => 0.5 + k));
        yield {
          op: 'TreeEnsembleRegressor',
          attributes,
          inputs: [randomRows({ seed: 4 })],
          outputs: ['float32'],
        };
      }
    }
  }
  for (const transform of transforms) {
    for (const targets of [[0], [0, 1, 2]]) {
      const forest = randomForest({ seed: 35, targets, weight: share });
      const attributes = {
        ...numbered(forest, 'target'),
        n_targets: i(targets.length),
        post_transform: s(transform),
      };
      yield {
        op: 'TreeEnsembleRegressor',
        attributes,
        inputs: [randomRows({ seed: 6 })],
        outputs: ['float32'],
      };
    }
  }
  const forest = randomForest({ seed: 37, targets: [0, 1], votes: 2, split: (x) => x * 5 - 2.5 });
  yield {
    op: 'TreeEnsembleRegressor',
    attributes: { ...numbered(forest, 'target'), n_targets: i(2) },
    inputs: [randomRows({ seed: 8 })],
    outputs: ['float32'],
  };
  const doubles = {
    ...numbered(forest, 'target', { double: true }),
    n_targets: i(2),
    base_values_as_tensor: t(tensor('float64', [0.1, 0.2])),
  };
  yield {
    op: 'TreeEnsembleRegressor',
    attributes: doubles,
    inputs: [randomRows({ seed: 9, type: 'float64' })],
    outputs: ['float32'],
  };
}

function* classifiers() {
  const labels = (n) => ({ classlabels_int64s: is([...Array(n).keys()].map((k) => k * 10)) });
  for (const transform of transforms) {
    for (const mixed of [false, true]) {
      const weight = mixed && transform !== 'PROBIT' ? (x) => x - 0.5 : share;
      for (const [n, targets] of [
        [3, [0, 1, 2]],
        [3, [1]],
        [2, [0, 1]],
        [2, [0]],
        [2, [1]],
      ]) {
        // onnxruntime leaves the pairs of PROBIT scattered.
        if (n === 2 && targets.length === 1 && transform === 'PROBIT') continue;
        const votes = targets.length;
        const forest = (to) => numbered(randomForest({ seed: 41, targets: to, votes, weight }), 'class');
        const rest = { ...labels(n), post_transform: s(transform) };
        const inputs = [randomRows({ seed: 7 })];
        for (const count of n === 2 ? [0, 1] : [0, n]) {
          if (count) rest.base_values = fs(Array.from({ length: count }, (_, k) => 0.05 + k / 50));
          yield {
            op: 'TreeEnsembleClassifier',
            attributes: { ...forest(targets), ...rest },
            inputs,
            outputs: ['int64', 'float32'],
            // Votes for the second class alone mean what votes for the first alone mean; onnxruntime knows the latter.
            ...(targets.join() === '1' && n === 2 && { judge: { attributes: { ...forest([0]), ...rest } } }),
            // Of two classes with votes for both onnxruntime gives a number that is no label.
            ...(n === 2 && votes === 2 && { label: (_, scores) => (scores[1] > scores[0] ? 10 : 0) }),
          };
        }
      }
    }
  }
  const forest = randomForest({ seed: 43, targets: [0, 1, 2], modes: allModes, tracks: true });
  const names = { ...numbered(forest, 'class'), classlabels_strings: ss(['ä', 'b', 'c']) };
  for (const type of numeric)
    yield {
      op: 'TreeEnsembleClassifier',
      attributes: names,
      inputs: [randomRows({ seed: 11, type })],
      outputs: ['string', 'float32'],
    };
  const doubles = { ...numbered(forest, 'class', { double: true }), ...labels(3) };
  yield {
    op: 'TreeEnsembleClassifier',
    attributes: doubles,
    inputs: [randomRows({ seed: 12, type: 'float64' })],
    outputs: ['int64', 'float32'],
  };
}

function* ensembles() {
  for (const type of ['float32', 'float64']) {
    for (const aggregate of [0, 1, 2, 3]) {
      for (const targets of [[0], [0, 1, 2]]) {
        const forest = randomForest({ seed: 51, modes: allModes, targets, tracks: true });
        const attributes = {
          ...indexed(forest, type, { targets: targets.length }),
          aggregate_function: i(aggregate),
        };
        yield {
          op: 'TreeEnsemble',
          opset: 5,
          attributes,
          inputs: [randomRows({ seed: 13, type, missing: true })],
          outputs: [type],
        };
      }
    }
    for (const transform of [0, 1, 2, 3, 4]) {
      const forest = randomForest({ seed: 53, targets: [0, 1], weight: share });
      const attributes = (number) => ({
        ...indexed(forest, type, { targets: 2 }),
        post_transform: i(number),
      });
      const inputs = [randomRows({ seed: 14, type })];
      // In the specification SOFTMAX is 1 and LOGISTIC 2; onnxruntime has them the other way round.
      const judge = { attributes: attributes([0, 2, 1, 3, 4][transform]) };
      yield {
        op: 'TreeEnsemble',
        opset: 5,
        attributes: attributes(transform),
        inputs,
        outputs: [type],
        judge,
      };
    }
    const forest = randomForest({ seed: 55, modes: ['BRANCH_LEQ', 'BRANCH_MEMBER'] });
    const members = forest.flat().filter(({ mode }) => mode === 'BRANCH_MEMBER');
    const sets = members.map((_, k) => [1 + (k % 3), 2, 1, 3].slice(0, 1 + (k % 4)));
    yield {
      op: 'TreeEnsemble',
      opset: 5,
      attributes: indexed(forest, type, { sets }),
      inputs: [randomRows({ seed: 17, type })],
      outputs: [type],
    };
  }
}

const groups = { features, encoders, linear, svm, regressors, classifiers, ensembles };

/**
 * Every case with a name of its own. `judge`: what differs for onnxruntime; `label`: the label that follows from the
 * place of the largest score and the scores of a row, where onnxruntime's is wrong. PROBIT is a formula of three digits
 * there.
 */
export const cases = Object.values(groups).flatMap((group) =>
  [...group()].map((parts, k) => {
    const text = JSON.stringify(parts.attributes?.post_transform ?? '', (_, x) =>
      typeof x === 'bigint' ? `${x}` : x,
    );
    const probit = text === JSON.stringify(s('PROBIT')) || text === JSON.stringify(i(4));
    return {
      ...parts,
      name: `${group.name} ${k}: ${parts.op}`,
      rtol: probit ? 2e-3 : 1e-5,
      atol: probit ? 1e-3 : 2e-6,
    };
  }),
);
