// Random ensembles of trees as attributes of the operators that hold some.
import { randomNumbers } from '../support/random.mjs';
import { fs, i, is, ss, t, tensor } from './node.mjs';

const modeNames = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ'];

/**
 * A tree is a list of nodes; children are places in it. A leaf has `votes`: [target, weight].
 * @param {{ seed: number, trees?: number, depth?: number, features?: number, modes?: string[], targets?: number[],
 *   votes?: number, tracks?: boolean, weight?: (x: number) => number, split?: (x: number) => number }} options
 *   `targets` to vote for; numbers from `weight` and `split` of a uniform number
 */
export function randomForest({
  seed,
  trees = 7,
  depth = 5,
  features = 4,
  modes = ['BRANCH_LEQ'],
  targets = [0],
  votes = 1,
  tracks = false,
  weight = (x) => x * 2 - 1,
  split = (x) => Math.round(x * 8) / 2 - 2,
}) {
  const random = randomNumbers(seed);
  const below = (n) => Math.floor(random() * n);
  const grow = (nodes, left) => {
    const node = {};
    nodes.push(node);
    if (left === 0 || (left < depth && random() < 0.2)) {
      const first = below(targets.length);
      node.votes = Array.from({ length: votes }, (_, k) => [
        targets[(first + k) % targets.length],
        Math.fround(weight(random())),
      ]);
      return nodes;
    }
    Object.assign(node, {
      mode: modes[below(modes.length)],
      feature: below(features),
      split: split(random()),
      tracks: tracks && random() < 0.5 ? 1 : 0,
    });
    node.yes = nodes.length;
    grow(nodes, left - 1);
    node.no = nodes.length;
    grow(nodes, left - 1);
    return nodes;
  };
  return Array.from({ length: trees }, () => grow([], depth));
}

/** Rows of numbers around the splits, some of them equal to one, some missing. */
export function randomRows({ seed, rows = 50, features = 4, type = 'float32', missing = false }) {
  const random = randomNumbers(seed);
  const number = () => {
    if (missing && random() < 0.1) return Number.NaN;
    const x = random() * 6 - 3;
    return random() < 0.3 || type.startsWith('int')
      ? Math.round(x * 2) / (type.startsWith('int') ? 1 : 2)
      : x;
  };
  return tensor(type, Array.from({ length: rows * features }, number), [rows, features]);
}

/** For TreeEnsembleClassifier ('class') and TreeEnsembleRegressor ('target'). `double`: the forms `_as_tensor`. */
export function numbered(forest, leaf, { double = false } = {}) {
  const nodes = forest.flatMap((tree, treeid) => tree.map((node, id) => ({ ...node, treeid, id })));
  const votes = nodes.flatMap(({ votes = [], treeid, id }) => votes.map((vote) => ({ vote, treeid, id })));
  const list = (name, numbers) =>
    double ? { [`${name}_as_tensor`]: t(tensor('float64', numbers)) } : { [name]: fs(numbers) };
  return {
    nodes_treeids: is(nodes.map((n) => n.treeid)),
    nodes_nodeids: is(nodes.map((n) => n.id)),
    nodes_featureids: is(nodes.map((n) => n.feature ?? 0)),
    nodes_truenodeids: is(nodes.map((n) => n.yes ?? 0)),
    nodes_falsenodeids: is(nodes.map((n) => n.no ?? 0)),
    nodes_modes: ss(nodes.map((n) => n.mode ?? 'LEAF')),
    nodes_missing_value_tracks_true: is(nodes.map((n) => n.tracks ?? 0)),
    ...list(
      'nodes_values',
      nodes.map((n) => n.split ?? 0),
    ),
    [`${leaf}_treeids`]: is(votes.map((v) => v.treeid)),
    [`${leaf}_nodeids`]: is(votes.map((v) => v.id)),
    [`${leaf}_ids`]: is(votes.map((v) => v.vote[0])),
    ...list(
      `${leaf}_weights`,
      votes.map((v) => v.vote[1]),
    ),
  };
}

/** For TreeEnsemble; every leaf has one vote. `sets`: a list of members for each branch of mode 6, in their order. */
export function indexed(forest, type, { targets = 1, sets = [] } = {}) {
  const branches = [];
  const leaves = [];
  for (const tree of forest) {
    for (const node of tree) {
      if (node.votes) node.place = leaves.push(node) - 1;
      else node.place = branches.push({ node, tree }) - 1;
    }
  }
  const pointer = (tree, id) => [tree[id].votes ? 1 : 0, tree[id].place];
  const yes = branches.map(({ node, tree }) => pointer(tree, node.yes));
  const no = branches.map(({ node, tree }) => pointer(tree, node.no));
  const members = sets.flatMap((set) => [...set, Number.NaN]);
  return {
    n_targets: i(targets),
    nodes_featureids: is(branches.map(({ node }) => node.feature)),
    nodes_modes: t(
      tensor(
        'uint8',
        branches.map(({ node }) => (node.mode === 'BRANCH_MEMBER' ? 6 : modeNames.indexOf(node.mode))),
      ),
    ),
    nodes_splits: t(
      tensor(
        type,
        branches.map(({ node }) => node.split),
      ),
    ),
    nodes_missing_value_tracks_true: is(branches.map(({ node }) => node.tracks)),
    nodes_trueleafs: is(yes.map(([leaf]) => leaf)),
    nodes_truenodeids: is(yes.map(([, place]) => place)),
    nodes_falseleafs: is(no.map(([leaf]) => leaf)),
    nodes_falsenodeids: is(no.map(([, place]) => place)),
    leaf_targetids: is(leaves.map(({ votes }) => votes[0][0])),
    leaf_weights: t(
      tensor(
        type,
        leaves.map(({ votes }) => votes[0][1]),
      ),
    ),
    tree_roots: is(forest.map((tree) => tree[0].place)),
    ...(members.length && { membership_values: t(tensor(type, members)) }),
  };
}

export const allModes = modeNames;
