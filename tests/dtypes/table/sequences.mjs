// Sequences, optionals and control flow: they pass values on, so the results can be stated.
import { node, tensorType } from '../models.mjs';
import { typesOf } from '../signature.mjs';
import { make, numberOf, tensor } from '../tensors.mjs';

const all = { T: typesOf('all') };
const passes = (cases, rest = {}) => ({ exact: true, variables: all, ...rest, cases });
const three = (T) => [make(T, [2], { seed: 1 }), make(T, [3], { seed: 2 }), make(T, [2], { seed: 3 })];
const position = (type, value) => tensor(type, [], [value]);
const scalar = (value) => tensor('int64', [], [value]);

/** A subgraph; its values have types and no shapes. */
function graph(inputs, nodes, outputs) {
  const port = ([name, type]) => ({ name, type: tensorType(type) });
  return { name: 'body', node: nodes, input: inputs.map(port), output: outputs.map(port), initializer: [] };
}

const constantGraph = (value) => graph([], [node('Constant', [], ['c'], { value })], [['c', value.type]]);

/** Rows of a value, as tensors of one row. */
function rows({ type, data }, count, size) {
  return Array.from({ length: count }, (_, i) => ({
    type,
    dims: [size],
    data: data.slice(i * size, (i + 1) * size),
  }));
}
const joined = (list) => {
  const { type, data } = list[0];
  const dims = [list.length, data.length];
  if (type === 'string') return { type, dims, data: list.flatMap((item) => item.data) };
  const whole = new data.constructor(list.length * data.length);
  list.forEach((item, i) => {
    whole.set(item.data, i * data.length);
  });
  return { type, dims, data: whole };
};

// What has whole bytes can be cut and joined by rows.
const wholeBytes = typesOf('all').filter((type) => !/^(u?int[24]|float4e2m1|complex.*)$/.test(type));

export const sequences = {
  SequenceConstruct: passes(({ T }) => [{ inputs: three(T), outputs: [`[${T}]`], expected: [three(T)] }]),
  SequenceEmpty: passes(({ T }) => [
    { inputs: [], attributes: { dtype: numberOf(T) }, outputs: [`[${T}]`], expected: [[]] },
  ]),
  SequenceAt: passes(({ T, position: type }) => [
    { inputs: [three(T), position(type, 1)], expected: [three(T)[1]] },
    { inputs: [three(T), position(type, -1)], expected: [three(T)[2]] },
  ]),
  SequenceInsert: passes(({ T, position: type }) => {
    const added = make(T, [1], { seed: 7 });
    const [a, b, c] = three(T);
    const outputs = [`[${T}]`];
    return [
      { inputs: [three(T), added], outputs, expected: [[a, b, c, added]] },
      { inputs: [three(T), added, position(type, -1)], outputs, expected: [[a, b, added, c]] },
    ];
  }),
  SequenceErase: passes(({ T, position: type }) => {
    const [a, b, c] = three(T);
    const outputs = [`[${T}]`];
    return [
      { inputs: [three(T)], outputs, expected: [[a, b]] },
      { inputs: [three(T), position(type, 0)], outputs, expected: [[b, c]] },
    ];
  }),
  SequenceLength: passes(({ T }) => [{ inputs: [three(T)], outputs: ['int64'], expected: [scalar(3)] }]),
  ConcatFromSequence: passes(
    ({ T }) => {
      const [a, , c] = three(T);
      return [
        { inputs: [[a, c]], attributes: { axis: 0, new_axis: 1 }, outputs: [T], expected: [joined([a, c])] },
      ];
    },
    { variables: { T: wholeBytes } },
  ),
  SplitToSequence: passes(({ T, split: type }) => {
    const whole = make(T, [4]);
    const outputs = [`[${T}]`];
    if (!wholeBytes.includes(T))
      return [{ inputs: [whole, tensor(type, [1], [4])], outputs, expected: [[whole]] }];
    const part = (from, to) => ({ type: T, dims: [to - from], data: whole.data.slice(from, to) });
    return [
      { inputs: [whole, tensor(type, [2], [1, 3])], outputs, expected: [[part(0, 1), part(1, 4)]] },
      { inputs: [whole, tensor(type, [], [3])], outputs, expected: [[part(0, 3), part(3, 4)]] },
    ];
  }),
  SequenceMap: passes(({ T }) => [
    {
      inputs: [three(T)],
      attributes: { body: graph([['x', T]], [node('Identity', ['x'], ['y'])], [['y', T]]) },
      outputs: [`[${T}]`],
      expected: [three(T)],
    },
  ]),
  Optional: passes(({ T }) => [
    { inputs: [make(T, [3])], outputs: [`?${T}`], expected: [make(T, [3])] },
    { inputs: [], attributes: { type: tensorType(T) }, outputs: [`?${T}`], expected: [null] },
    { inputs: [three(T)], outputs: [`?[${T}]`], expected: [three(T)] },
  ]),
  OptionalGetElement: passes(({ T }) => [
    { inputs: [make(T, [3])], expected: [make(T, [3])] },
    { inputs: [three(T)], outputs: [`[${T}]`], expected: [three(T)] },
  ]),
  OptionalHasElement: passes(({ T }) => [
    { inputs: [make(T, [3])], outputs: ['bool'], expected: [tensor('bool', [], [1])] },
    { inputs: [], outputs: ['bool'], expected: [tensor('bool', [], [0])] },
  ]),
  If: passes(({ T }) =>
    [1, 0].map((condition) => {
      const [yes, no] = [make(T, [3], { seed: 4 }), make(T, [2, 2], { seed: 5 })];
      return {
        inputs: [tensor('bool', [], [condition])],
        attributes: { then_branch: constantGraph(yes), else_branch: constantGraph(no) },
        expected: [condition ? yes : no],
      };
    }),
  ),
  Loop: passes(
    ({ T }) => {
      const value = make(T, [3]);
      const body = graph(
        [
          ['i', 'int64'],
          ['go', 'bool'],
          ['v', T],
        ],
        [
          node('Identity', ['go'], ['on']),
          node('Identity', ['v'], ['next']),
          node('Identity', ['v'], ['seen']),
        ],
        [
          ['on', 'bool'],
          ['next', T],
          ['seen', T],
        ],
      );
      return [
        {
          inputs: [scalar(4), tensor('bool', [], [1]), value],
          attributes: { body },
          outputs: [T, T],
          expected: [value, joined([value, value, value, value])],
        },
      ];
    },
    { variables: { T: wholeBytes } },
  ),
  Scan: passes(
    ({ T }) => {
      const state = make(T, [3], { seed: 2 });
      const input = make(T, [4, 3]);
      const lines = rows(input, 4, 3);
      const body = graph(
        [
          ['s', T],
          ['x', T],
        ],
        [node('Identity', ['x'], ['next']), node('Identity', ['s'], ['seen'])],
        [
          ['next', T],
          ['seen', T],
        ],
      );
      return [
        {
          inputs: [state, input],
          attributes: { body, num_scan_inputs: 1 },
          outputs: [T, T],
          expected: [lines[3], joined([state, ...lines.slice(0, 3)])],
        },
      ];
    },
    { variables: { T: wholeBytes } },
  ),
};
