// Einsum beside onnxruntime-node.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judge, noise, runNode } from '../support/one_node.mjs';

// Extents by label; '#' is the shape behind an ellipsis.
const extent = { a: 2, b: 3, c: 4, d: 5, e: 2, h: 2, i: 3, j: 4, k: 5, l: 6, n: 3, A: 2, Z: 3 };
const shapesOf = (equation, hidden = [3, 2]) =>
  equation
    .split('->')[0]
    .replaceAll(' ', '')
    .split(',')
    .map((term) =>
      [...term.replace('...', '#')].flatMap((label) => (label === '#' ? hidden : [extent[label]])),
    );

const equations = [
  // One operand: permutations, sums, diagonals.
  'ij',
  'ji',
  'ij->ji',
  'ij->',
  'ij->i',
  'ij->j',
  'ijk->kij',
  'ijk->k',
  'ii->i',
  'ii->',
  'iij->ij',
  'iji->j',
  'iiij->ji',
  'iijj->ij',
  'i',
  'i->',
  '->',
  '...ij->...ji',
  '...',
  '...->...',
  'i...->...',
  'i...->...i',
  '...ii->...i',
  '...ii->i...',
  'i...i->...i',
  '...i',
  // Two operands.
  'i,i->',
  'i,i->i',
  'i,j->ij',
  'i,j->ji',
  'i,j',
  'i,i',
  ',->',
  ',i->i',
  'ij,',
  'ij,jk->ik',
  'ij,jk',
  'ij,kj->ik',
  'ji,jk->ki',
  'ij,jk->ki',
  'ij,ij->',
  'ij,ij->ij',
  'ij,ji->i',
  'ij,j->i',
  'j,ij->i',
  'ij,k->ijk',
  'ij,i->ij',
  'ij,jk->',
  'ij,kl->',
  'ij,jk->i',
  'ij,jk->k',
  'bij,bjk->bik',
  'bij,bkj->bik',
  'ijb,jkb->ikb',
  'bij,jk->bik',
  'ij,bjk->bik',
  'bhid,bhjd->bhij',
  'bihd,bjhd->bhij',
  'bhij,bjhd->bihd',
  'bijk,bkl->bijl',
  'abcd,cdl->abl',
  'abcd,dcl->abl',
  'abcd,lcd->abl',
  'abcd,bl->acdl',
  'abcd,dl->abcl',
  'ii,ij->j',
  'iij,jk->ik',
  'iij,jkk->ik',
  '...ij,...jk->...ik',
  '...ij,jk->...ik',
  'ij,...jk->...ik',
  '...i,...i->...',
  '...i,...j->...ij',
  'i...,i...->...',
  'i...,j...->ij...',
  '...ij,...jk',
  'b...k,k...->b...',
  'A b, b Z -> A Z',
  // Three and more.
  'i,j,k->ijk',
  'i,i,i->',
  'ij,jk,kl->il',
  'ij,jk,kl->li',
  'i,ij,j->',
  'bij,bjk,bkl->bil',
  'abc,cd,bd->ad',
  'ab,bc,cd,de->ae',
  'a,b,c,d->dcba',
  '...a,...b,ab->...',
  'ij,jk,k,i->j',
  'ij,ij,ij->i',
];

describe('Einsum', () => {
  for (const equation of equations)
    test(equation, () => {
      const inputs = shapesOf(equation).map((dims, i) => noise(dims, 'float32', i + 1));
      return judge({ op: 'Einsum', inputs, attributes: { equation } });
    });

  for (const type of ['float64', 'int32', 'int64'])
    for (const equation of [
      'ij->ji',
      'ii->',
      'ij,jk->ik',
      'bij,bkj->kbi',
      'ij,ij->i',
      '...ij,...jk->...ik',
      'ij,jk,kl->li',
    ])
      test(`${type} ${equation}`, () => {
        const inputs = shapesOf(equation).map((dims, i) => noise(dims, type, i + 1));
        return judge({ op: 'Einsum', inputs, attributes: { equation }, outputs: [type] });
      });

  test('larger products', async () => {
    const of = (...shapes) => shapes.map((dims, i) => noise(dims, 'float32', i + 1));
    for (const [equation, inputs] of [
      ['bld,df->blf', of([2, 33, 64], [64, 50])],
      ['bhqd,bkhd->bqhk', of([2, 4, 17, 32], [2, 19, 4, 32])],
      ['nkctv,kvw->nctw', of([2, 3, 8, 10, 18], [3, 18, 18])],
      ['bqhk,bkhd->bqhd', of([2, 17, 4, 19], [2, 19, 4, 32])],
      ['ijk,jil->kl', of([20, 30, 7], [30, 20, 9])],
    ])
      await judge({ op: 'Einsum', inputs, attributes: { equation } });
  });

  // As NumPy has it: extents of 1 stretch, ellipses may hide different ranks, short integers wrap.
  test('broadcasts as NumPy does', async () => {
    const run = async (equation, type, ...inputs) => {
      const { y0 } = await runNode('kinglet-simd', {
        op: 'Einsum',
        attributes: { equation },
        outputs: [type],
        inputs,
      });
      return [y0.dims, [...y0.data].map(Number)];
    };
    const of = (dims, data, type = 'float32') => ({
      type,
      dims,
      data: { float32: Float32Array, int8: Int8Array, uint16: Uint16Array }[type].from(data),
    });
    assert.deepEqual(await run('ij,jk->ik', 'float32', of([2, 1], [1, 2]), of([3, 2], [1, 2, 3, 4, 5, 6])), [
      [2, 2],
      [9, 12, 18, 24],
    ]);
    assert.deepEqual(await run('...i,...i->...i', 'float32', of([2, 2], [1, 2, 3, 4]), of([2], [10, 100])), [
      [2, 2],
      [10, 200, 30, 400],
    ]);
    assert.deepEqual(await run('...,...', 'float32', of([2, 1], [1, 2]), of([3], [1, 2, 3])), [
      [2, 3],
      [1, 2, 3, 2, 4, 6],
    ]);
    assert.deepEqual(await run('i,i->', 'int8', of([3], [100, 100, 1], 'int8'), of([3], [2, 1, 1], 'int8')), [
      [],
      [45],
    ]);
    assert.deepEqual(
      await run('ij,jk->ik', 'uint16', of([1, 2], [300, 300], 'uint16'), of([2, 1], [300, 2], 'uint16')),
      [[1, 1], [90600 % 65536]],
    );
    assert.deepEqual(await run('ij,jk->ik', 'float32', of([2, 0], []), of([0, 3], [])), [
      [2, 3],
      [0, 0, 0, 0, 0, 0],
    ]);
    assert.deepEqual(await run('ij->ji', 'float32', of([0, 3], [])), [[3, 0], []]);
    assert.deepEqual((await run('bA', 'float32', of([1, 2], [1, 2])))[0], [2, 1]);
  });

  for (const [equation, shapes] of [
    [
      'ij,jk->ik',
      [
        [2, 3],
        [4, 5],
      ],
    ],
    ['ij->ik', [[2, 3]]],
    ['ij->ii', [[2, 3]]],
    ['i', [[2, 3]]],
    ['ij,jk', [[2, 3]]],
    ['i,j', [[2]]],
    ['i.j', [[2, 3]]],
    ['...i...', [[2, 3]]],
    ['i->i->i', [[2]]],
    ['ij0', [[2, 3, 4]]],
    ['ii', [[2, 3]]],
    ['...ijk', [[2, 3]]],
  ])
    test(`refuses ${equation} of ${JSON.stringify(shapes)}`, () =>
      assert.rejects(
        runNode('kinglet-simd', {
          op: 'Einsum',
          inputs: shapes.map((dims) => noise(dims)),
          attributes: { equation },
        }),
        { code: /^invalid_(argument|shape)$/ },
      ));
});
