// Sequences, maps and optionals, into a session and out of it, in this thread and in a worker.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { env, InferenceSession, KingletError, Tensor } from 'kinglet';
import { model, node } from './models.mjs';

env.wasm.simd = 'fixed';
env.wasm.numThreads = 1;

const scores = new Tensor('float32', [0.25, 0.75, 1, 0], [2, 2]);
const vector = (values) => new Tensor('float32', values, [values.length]);

for (const worker of [false, true]) {
  describe(worker ? 'in a worker' : 'in this thread', () => {
    const run = async (parts, feeds) => {
      const session = await InferenceSession.create(model(parts), { worker });
      try {
        return await session.run(feeds);
      } finally {
        await session.release();
      }
    };
    const refused = (promise, words) =>
      assert.rejects(promise, (error) => {
        assert.ok(error instanceof KingletError, `${error}`);
        assert.match(error.message, words);
        return true;
      });

    for (const [labels, keys] of [
      [{ classlabels_int64s: [7, -9007199254740993n] }, [7n, -9007199254740993n]],
      [{ classlabels_strings: ['no', 'jä'] }, ['no', 'jä']],
    ]) {
      test(`a sequence of maps with ${typeof keys[0]} keys comes out as an array of Maps`, async () => {
        const map = typeof keys[0] === 'bigint' ? 'int64' : 'string';
        const { z } = await run(
          {
            inputs: { x: ['float32', 'N', 2] },
            outputs: { z: [{ map, of: ['float32'] }] },
            nodes: [node('ml.ZipMap', 'x', 'z', labels)],
          },
          { x: scores },
        );
        assert.deepEqual(z, [
          new Map([
            [keys[0], 0.25],
            [keys[1], 0.75],
          ]),
          new Map([
            [keys[0], 1],
            [keys[1], 0],
          ]),
        ]);
      });
    }

    test('a sequence of maps is fed as it came out', async () => {
      const session = [{ map: 'string', of: ['float32'] }];
      const maps = [
        new Map([['a', 1]]),
        new Map([
          ['b', 2],
          ['c', 3],
        ]),
      ];
      const { z, n } = await run(
        {
          inputs: { x: session },
          outputs: { z: session, n: ['int64'] },
          nodes: [node('Identity', 'x', 'z'), node('SequenceLength', 'x', 'n')],
        },
        { x: maps },
      );
      assert.deepEqual(z, maps);
      assert.deepEqual([...n.data], [2n]);
    });

    const castMap = (of, to, attributes = {}) => ({
      inputs: { x: { map: 'int64', of: [of] } },
      outputs: { y: [to] },
      nodes: [
        node('ml.CastMap', 'x', 'y', {
          cast_to: `TO_${to === 'float32' ? 'FLOAT' : to.toUpperCase()}`,
          ...attributes,
        }),
      ],
    });
    const sparse = { map_form: 'SPARSE', max_map: 4 };

    test('a Map with int64 keys is ordered by them', async () => {
      const x = new Map([
        [30n, 3.5],
        [-1n, 1],
        [2n, 2],
      ]);
      const { y } = await run(castMap('float32', 'float32'), { x });
      assert.deepEqual(
        [y.dims, [...y.data]],
        [
          [1, 3],
          [1, 2, 3.5],
        ],
      );
      const numbers = await run(castMap('float32', 'int64'), {
        x: new Map([
          [3, 3.5],
          [2, 2],
        ]),
      });
      assert.deepEqual([...numbers.y.data], [2n, 3n]);
    });

    test('a Map as a sparse row', async () => {
      const { y } = await run(castMap('float32', 'float32', sparse), {
        x: new Map([
          [3n, 5],
          [0n, 4],
          [9n, 1],
        ]),
      });
      assert.deepEqual(
        [y.dims, [...y.data]],
        [
          [1, 4],
          [4, 0, 0, 5],
        ],
      );
      const texts = await run(castMap('string', 'int64', sparse), { x: new Map([[1n, '42']]) });
      assert.deepEqual([...texts.y.data], [0n, 42n, 0n, 0n]);
      const strings = await run(castMap('string', 'string'), {
        x: new Map([
          [2n, 'b'],
          [1n, 'ä'],
        ]),
      });
      assert.deepEqual(strings.y.data, ['ä', 'b']);
      await refused(run(castMap('float32', 'float32', sparse), { x: new Map([[-1n, 5]]) }), /key -1/);
    });

    test('a Map in the order of a vocabulary', async () => {
      const parts = (map, of, attributes) => ({
        inputs: { x: { map, of: [of] } },
        outputs: { y: [of] },
        nodes: [node('ml.DictVectorizer', 'x', 'y', attributes)],
      });
      const words = { string_vocabulary: ['a', 'c', 'b', 'z'] };
      for (const type of ['float32', 'float64', 'int64']) {
        const number = (n) => (type === 'int64' ? BigInt(n) : n);
        const x = new Map([
          ['a', number(4)],
          ['c', number(8)],
          ['other', number(1)],
        ]);
        const { y } = await run(parts('string', type, words), { x });
        assert.deepEqual([y.type, y.dims, [...y.data]], [type, [1, 4], [4, 8, 0, 0].map(number)]);
      }
      const { y } = await run(parts('int64', 'string', { int64_vocabulary: [5, 6] }), {
        x: new Map([[6n, 'six']]),
      });
      assert.deepEqual(y.data, ['', 'six']);
    });

    test('a sequence is an array', async () => {
      const { joined, n, same } = await run(
        {
          inputs: { x: [['float32', 'N']] },
          outputs: { joined: ['float32', 'M'], n: ['int64'], same: [['float32', 'N']] },
          nodes: [
            node('ConcatFromSequence', 'x', 'joined', { axis: 0 }),
            node('SequenceLength', 'x', 'n'),
            node('Identity', 'x', 'same'),
          ],
        },
        { x: [vector([1, 2]), vector([3])] },
      );
      assert.deepEqual([[...joined.data], [...n.data]], [[1, 2, 3], [2n]]);
      assert.deepEqual(
        same.map(({ data }) => [...data]),
        [[1, 2], [3]],
      );
    });

    test('an optional is null or its value', async () => {
      const parts = {
        inputs: { x: { optional: ['float32', 'N'] } },
        outputs: { there: ['bool'], same: { optional: ['float32', 'N'] } },
        nodes: [node('OptionalHasElement', 'x', 'there'), node('Identity', 'x', 'same')],
      };
      const none = await run(parts, { x: null });
      assert.deepEqual([[...none.there.data], none.same], [[0], null]);
      const some = await run(parts, { x: vector([4]) });
      assert.deepEqual([[...some.there.data], [...some.same.data]], [[1], [4]]);
    });

    test('values of another kind are refused by name', async () => {
      const map = castMap('float32', 'float32');
      await refused(run(map, { x: [vector([1])] }), /'x'/);
      await refused(run(map, { x: null }), /'x' is missing/);
      await refused(run(map, { x: vector([1]) }), /x/);
    });
  });
}
