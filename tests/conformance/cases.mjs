// The cases of the ONNX test data (Debian's libonnx-testdata): names, and what one case holds.
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { onnxTestdataFolder } from '../../.tools/testdata.mjs';
import { readModel } from '../support/onnx.mjs';
import { dtypes, readValue } from '../support/values.mjs';

const FLOAT = 1;
const suites = ['node', 'simple', 'pytorch-converted', 'pytorch-operator'];

/** ONNX's own runner compares with these, except where a case says otherwise. */
const tolerance = { rtol: 1e-3, atol: 1e-7 };
const exceptions = { 'light/densenet121': { rtol: 2e-3, atol: 1e-7 } };

/** @returns {Promise<string[]>} `suite/case`, sorted */
export async function caseNames() {
  const names = [];
  for (const suite of suites) {
    for (const folder of await readdir(join(onnxTestdataFolder, suite)))
      names.push(`${suite}/${folder.replace(/^test_/, '')}`);
  }
  for (const file of await readdir(join(onnxTestdataFolder, 'light')))
    if (file.endsWith('.onnx')) names.push(file.replace(/^light_(.*)\.onnx$/, 'light/$1'));
  return names.sort();
}

/**
 * @typedef {{ inputs: Record<string, any>, outputs: Record<string, any> }} DataSet
 * @param {string} name
 * @returns {Promise<{ model: Buffer, operators: string[], tolerance: typeof tolerance, sets: DataSet[] }>}
 */
export async function readCase(name) {
  const [suite, rest] = [dirname(name), basename(name)];
  const light = suite === 'light';
  const folder = join(onnxTestdataFolder, suite, light ? '' : `test_${rest}`);
  const model = await readFile(join(folder, light ? `light_${rest}.onnx` : 'model.onnx'));
  const proto = readModel(model);
  const { graph } = proto;
  const constants = new Set((graph.initializer ?? []).map((tensor) => tensor.name));
  const inputs = graph.input ?? [];
  const sets = [];
  if (light) {
    const fed = inputs.filter(({ name }) => !constants.has(name));
    const output = await readFile(join(folder, `light_${rest}_output_0.pb`));
    sets.push({
      inputs: Object.fromEntries(fed.map((input) => [input.name, ramp(input)])),
      outputs: { [graph.output[0].name]: readValue(output, graph.output[0].type) },
    });
  } else {
    const folders = (await readdir(folder)).filter((item) => item.startsWith('test_data_set_')).sort();
    for (const set of folders) {
      const files = new Set(await readdir(join(folder, set)));
      const read = async (kind, list) => {
        const values = {};
        for (const [i, { name, type }] of list.entries()) {
          const file = `${kind}_${i}.pb`;
          if (files.has(file)) values[name] = readValue(await readFile(join(folder, set, file)), type);
        }
        return values;
      };
      sets.push({ inputs: await read('input', inputs), outputs: await read('output', graph.output) });
    }
  }
  const operators = [...new Set(graph.node.map(({ op_type }) => op_type))];
  return { model, operators, tolerance: exceptions[name] ?? tolerance, sets };
}

/** The input that the expected outputs of the light networks were computed from: 0, 1/n, 2/n, ... */
function ramp({ name, type }) {
  const { elem_type, shape } = type.tensor_type;
  if (elem_type !== FLOAT) throw new Error(`${name} is ${dtypes[elem_type]?.name}`);
  const dims = shape.dim.map(({ dim_value }) => dim_value ?? 1);
  const size = dims.reduce((product, extent) => product * extent, 1);
  return { type: 'float32', dims, data: Float32Array.from({ length: size }, (_, i) => i / size) };
}
