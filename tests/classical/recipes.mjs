// The models of models/recipes/classical with the values that scikit-learn and numpy expect of them.
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { run } from '../../.tools/log.mjs';
import { unlessFresh } from '../../.tools/stamp.mjs';
import { dtypes } from '../support/values.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const recipes = 'models/recipes/classical';
const programs = ['trees', 'linear', 'svm', 'neighbours', 'bayes', 'network', 'pipelines', 'series'];
const out = 'build/classical';

/** Trains what is not there yet; the recipes take half a minute. */
export function train() {
  return unlessFresh('classical', [recipes], [out], async () => {
    for (const program of programs)
      await run('/usr/bin/python3', ['-B', `${recipes}/${program}.py`, out], { cwd: root });
  });
}

/**
 * What a recipe wrote into `folder`.
 * @returns {Promise<{ bytes: Uint8Array, rows: boolean, inputs: object, expected: object }>}
 */
export async function readCase(folder) {
  const file = (part) => readFile(`${folder}/${part}`);
  const { rows, inputs, expected } = JSON.parse(await file('case.json'));
  const { buffer } = new Uint8Array(await file('data.bin'));
  const value = ({ type, dims, offset, strings }) => {
    if (strings) return { type, dims, data: strings };
    const { array } = dtypes.find((row) => row?.name === type);
    const size = dims.reduce((a, b) => a * b, 1);
    return { type, dims, data: new array(buffer, offset, size) };
  };
  const values = (list) =>
    Object.fromEntries(Object.entries(list).map(([key, described]) => [key, value(described)]));
  const bytes = new Uint8Array(await file('model.onnx'));
  return { bytes, rows, inputs: values(inputs), expected: values(expected) };
}

export async function trained() {
  const names = (await readdir(root + out)).sort();
  return Promise.all(names.map(async (name) => ({ name, ...(await readCase(`${root}${out}/${name}`)) })));
}

/** Row `i` of a tensor whose first dimension is rows. */
export function rowOf({ type, dims, data }, i) {
  const size = data.length / dims[0];
  return { type, dims: [1, ...dims.slice(1)], data: data.slice(i * size, (i + 1) * size) };
}

/**
 * What differs, in words: labels must be equal, numbers within 1e-5 of the expected double, or of the largest where
 * those are above 1. Maps hold what `probabilities` holds.
 */
export function difference(results, expected) {
  for (const [name, { type, dims, data }] of Object.entries(expected)) {
    const actual = results[name];
    if (actual.dims.join() !== dims.join()) return `${name} has shape [${actual.dims}], expected [${dims}]`;
    const exact = type === 'string' || type === 'int64';
    const limit = exact ? 0 : 1e-5 * Math.max(1, ...Array.from(data, Math.abs));
    for (let i = 0; i < data.length; i++) {
      const wrong = exact ? actual.data[i] !== data[i] : !(Math.abs(actual.data[i] - data[i]) <= limit);
      if (wrong) return `${name}[${i}] is ${actual.data[i]}, expected ${data[i]}`;
    }
  }
  const { maps, probabilities } = results;
  if (!maps) return undefined;
  const [rows, classes] = probabilities.dims;
  if (maps.length !== rows) return `${maps.length} maps for ${rows} rows`;
  for (const [row, map] of maps.entries()) {
    const own = [...probabilities.data.subarray(row * classes, (row + 1) * classes)];
    const best = [...map.keys()][own.indexOf(Math.max(...own))];
    const label = results.label.data[row];
    if ([...map.values()].join() !== own.join()) return `map ${row} holds ${[...map.values()]}`;
    if (typeof best !== typeof label) return `map ${row} has keys of type ${typeof best}`;
  }
  return undefined;
}
