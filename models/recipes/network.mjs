// Writes networks as exporters do: one node after the other, weights drawn from a seed.
import { writeModel } from '../../tests/support/onnx.mjs';
import { randomNumbers } from '../../tests/support/random.mjs';

const types = { float32: 1, int64: 7, bool: 9 };
const arrays = { float32: Float32Array, int64: BigInt64Array };

/** An attribute by the kind of its value: text, list, integer; floats are given as `{ float: value }`. */
function attribute([name, value]) {
  if (typeof value === 'string') return { name, s: new TextEncoder().encode(value), type: 3 };
  if (Array.isArray(value)) return { name, ints: value, type: 7 };
  if (typeof value === 'number') return { name, i: value, type: 2 };
  return { name, f: value.float, type: 1 };
}

export class Network {
  #name;
  #random;
  #opset;
  #nodes = [];
  #inputs = [];
  #outputs = [];
  #initializers = [];
  #constants = new Map();
  /** Of the nodes so far. */
  #domains = new Set(['']);

  constructor(name, seed, opset) {
    this.#name = name;
    this.#random = randomNumbers(seed);
    this.#opset = opset;
  }

  /** @param {(number | string)[]} dims */
  #value(name, type, dims) {
    const dim = dims.map((d) => (typeof d === 'string' ? { dim_param: d } : { dim_value: d }));
    return { name, type: { tensor_type: { elem_type: types[type], shape: { dim } } } };
  }

  input(name, type, dims) {
    this.#inputs.push(this.#value(name, type, dims));
    return name;
  }

  /** Makes the value an output of the network under `name`. */
  output(value, name, dims) {
    this.#nodes.push({ op_type: 'Identity', input: [value], output: [name] });
    this.#outputs.push(this.#value(name, 'float32', dims));
  }

  tensor(type, dims, values) {
    const name = `t${this.#initializers.length}`;
    const data = arrays[type].from(values, type === 'int64' ? BigInt : undefined);
    this.#initializers.push({ name, dims, data_type: types[type], raw_data: new Uint8Array(data.buffer) });
    return name;
  }

  /** A constant that is there once, however often it is asked for. */
  #shared(type, dims, values) {
    const key = `${type} ${dims} ${values}`;
    if (!this.#constants.has(key)) this.#constants.set(key, this.tensor(type, dims, values));
    return this.#constants.get(key);
  }
  number = (value) => this.#shared('float32', [], [value]);
  index = (value) => this.#shared('int64', [], [value]);
  indices = (...values) => this.#shared('int64', [values.length], values);

  /** Weights uniform in [low, high]. */
  uniform(dims, low, high) {
    const data = new Float32Array(dims.reduce((product, extent) => product * extent, 1));
    for (let i = 0; i < data.length; i++) data[i] = low + (high - low) * this.#random();
    return this.tensor('float32', dims, data);
  }

  /** Weights that multiply the mean square of what flows through by `gain`: 2 behind a Relu, 1 elsewhere. */
  weights(dims, fanIn, gain = 1) {
    const bound = Math.sqrt((3 * gain) / fanIn);
    return this.uniform(dims, -bound, bound);
  }

  /**
   * The outputs of a node, or its one output.
   * @param {number | boolean[]} outputs how many, or which of the operator's there are: '' is in the place of the others
   */
  ops(op_type, input, attributes, outputs, domain = '') {
    const wanted = typeof outputs === 'number' ? Array(outputs).fill(true) : outputs;
    const output = wanted.map((there, i) => (there ? `v${this.#nodes.length}_${i}` : ''));
    const node = { op_type, name: `/${op_type}_${this.#nodes.length}`, input, output, domain };
    this.#nodes.push({ ...node, attribute: Object.entries(attributes).map(attribute) });
    this.#domains.add(domain);
    return output;
  }
  op = (op_type, input, attributes = {}) => this.ops(op_type, input, attributes, 1)[0];

  /** The bytes of the model. */
  bytes() {
    return writeModel({
      ir_version: 8,
      producer_name: 'kinglet recipes',
      opset_import: [...this.#domains].map((domain) => ({ domain, version: domain ? 1 : this.#opset })),
      graph: {
        name: this.#name,
        input: this.#inputs,
        output: this.#outputs,
        initializer: this.#initializers,
        node: this.#nodes,
      },
    });
  }
}
