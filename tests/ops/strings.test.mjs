// String operators beside onnxruntime-node.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ints, judge, runNode, strings, tensor } from '../support/one_node.mjs';

describe('RegexFullMatch', () => {
  const texts = [
    '',
    'a',
    'ab',
    'abc',
    'aab',
    'ABC',
    'a\nb',
    '\n',
    'a b',
    ' ',
    '-',
    'a-b',
    ']',
    '^',
    '.',
    '\\',
    'aaa',
    'aaaa',
    'x@y.com',
    'user@example.com',
    '12',
    '2024-05-06',
    'ÄÖÜ',
    'äöü',
    'straße',
    'K',
    'k',
    'K',
    'ſ',
    's',
    'σς',
    'Σ',
    '日本',
    '😀',
    '{,5}',
    'a{',
    'foobar',
    'foo',
    'bar',
    'foo bar',
    '_',
    'a_1',
    '\t',
    'a*',
    '(x)',
    'ab12',
    'abab',
    'ababab',
    'i',
    'İ',
    'ı',
    'I',
  ];
  const patterns = [
    '',
    'a',
    'a*',
    'a+',
    'a?',
    '.',
    '.*',
    '(?s).*',
    'a.b',
    '(?s)a.b',
    'a|ab|abc',
    '(a|b)*',
    '(?:ab)+',
    '(?P<n>ab)*',
    '[abc]+',
    '[^abc]+',
    '[a-c]*',
    '[]]',
    '[^]]',
    '[-a]+',
    '[a-]+',
    '[\\w-]+',
    '\\d+',
    '\\D+',
    '\\w+',
    '\\W+',
    '\\s+',
    '\\S+',
    '[[:alpha:]]+',
    '[[:^alpha:]]+',
    '[[:punct:]]',
    '[[:word:]]+',
    '(?i)abc',
    '(?i)[a-c]+',
    '(?i)äöü',
    '(?i)k',
    '(?i)S',
    '(?i)σσ',
    '(?i)[^k]',
    '(?i)i',
    'a{2}',
    'a{2,}',
    'a{2,3}',
    'a{0}',
    '(ab){2,3}',
    '{,5}',
    'a{',
    '^a$',
    '^',
    '$',
    '(?m)a$\\nb',
    'a$\\nb',
    '(?m)^a$\\n^b$',
    '\\bfoo\\b.*',
    'foo\\b.*',
    '.*\\Bbar',
    '\\Aab\\z',
    '\\x61\\x{62}',
    '\\141',
    '\\Qa*\\E',
    '\\Q(x)\\E',
    '\\.',
    '\\\\',
    '[\\]]',
    '\\^',
    '(a*)*',
    '(a*)+',
    '(a|b|)*c?',
    '(?i:A)b',
    '(?i)a(?-i)b',
    '(?U)a+',
    'a+?',
    'a*?b??',
    '[\\d\\s]+',
    '[^\\d]+',
    '日.',
    '..',
    '😀',
    '[^\\x00-\\x7F]+',
    '\\x00',
    '\\n',
    '[a\\nb]+',
    '()',
    '(|a)',
    'x*@y\\.com',
    '[\\w.]+@[\\w.]+',
    '\\d{4}-\\d\\d-\\d{2}',
    '(foo|bar)+',
    '(foo|foobar)(bar)?',
    '^*',
    '(?:^a)|b',
    '[a-z0-9_]+',
    '\\a',
    '[[:space:]]',
    '(?s:.)',
    '(((a)))',
  ];
  for (const pattern of patterns)
    test(JSON.stringify(pattern), () =>
      judge({ op: 'RegexFullMatch', inputs: [strings(texts)], attributes: { pattern }, outputs: ['bool'] }),
    );

  const refused = {
    invalid_argument: [
      '(',
      ')',
      '[',
      '[a',
      'a**',
      '*',
      '+a',
      '|*',
      '(*)',
      '[b-a]',
      '\\',
      '\\y',
      'a{1001}',
      'a{3,2}',
      '\\8',
      '(?z)',
      '[[:foo:]]',
      '(?P<n',
      '\\x6',
      '[a-\\d]',
      '\\1',
    ],
    unsupported_feature: ['(?=a)', '(?!a)', '(?<=a)', '\\pL', '\\p{Greek}'],
    limit_exceeded: ['((a{1000}){1000}){1000}', '('.repeat(2000) + ')'.repeat(2000)],
  };
  for (const [code, list] of Object.entries(refused))
    for (const pattern of list)
      test(`${code} ${JSON.stringify(pattern.slice(0, 30))}`, () =>
        assert.rejects(
          runNode('kinglet-simd', {
            op: 'RegexFullMatch',
            inputs: [strings(['a'])],
            attributes: { pattern },
            outputs: ['bool'],
          }),
          { code },
        ));

  test('sees what onnxruntime-node does not get: zero characters', async () => {
    const matches = async (pattern, texts) => {
      const node = {
        op: 'RegexFullMatch',
        inputs: [strings(texts)],
        attributes: { pattern },
        outputs: ['bool'],
      };
      return [...(await runNode('kinglet-simd', node)).y0.data];
    };
    assert.deepEqual(await matches('a', ['a', 'a\0', '\0a']), [1, 0, 0]);
    assert.deepEqual(await matches('a\\x00.', ['a\0\0', 'a\0', 'a']), [1, 0, 0]);
  });
  test('takes linear time where backtracking would not end', async () => {
    const text = 'a'.repeat(20000);
    const { y0 } = await runNode('kinglet-simd', {
      op: 'RegexFullMatch',
      inputs: [strings([text, `${text}b`])],
      attributes: { pattern: '(a|a?|aa)*(a*)*b' },
      outputs: ['bool'],
    });
    assert.deepEqual([...y0.data], [0, 1]);
  });
});

describe('StringNormalizer', () => {
  const words = strings(['Monday', 'monday', 'TUESDAY', 'Ärger', 'ÑANDÚ', 'Жук', '']);
  for (const case_change_action of ['NONE', 'LOWER', 'UPPER'])
    for (const is_case_sensitive of [0, 1])
      for (const stopwords of [undefined, ['monday'], ['Monday', 'TUESDAY', ''], ['tuesday']])
        test(`${case_change_action} ${is_case_sensitive} ${stopwords}`, async () => {
          const attributes = {
            case_change_action,
            is_case_sensitive,
            locale: 'C.UTF-8',
            ...(stopwords && { stopwords }),
          };
          const stop = new Set(is_case_sensitive ? stopwords : stopwords?.map((word) => word.toLowerCase()));
          const change = { NONE: (x) => x, LOWER: (x) => x.toLowerCase(), UPPER: (x) => x.toUpperCase() }[
            case_change_action
          ];
          const kept = words.data
            .filter((word) => !stop.has(is_case_sensitive ? word : word.toLowerCase()))
            .map(change);
          const { y0 } = await runNode('kinglet-simd', {
            op: 'StringNormalizer',
            inputs: [words],
            attributes,
            outputs: ['string'],
          });
          assert.deepEqual(y0.data, kept);
        });

  test('maps the case of every letter as JavaScript does, where that is one for one', async () => {
    const letters = [];
    for (let c = 1; c < 0x1f000; c++) if (c < 0xd800 || c > 0xdfff) letters.push(String.fromCodePoint(c));
    for (const [action, change] of [
      ['LOWER', 'toLowerCase'],
      ['UPPER', 'toUpperCase'],
    ]) {
      const { y0 } = await runNode('kinglet-simd', {
        op: 'StringNormalizer',
        inputs: [strings(letters)],
        attributes: { case_change_action: action },
        outputs: ['string'],
      });
      // A letter whose case is several letters keeps one; an older engine does not know the newest letters.
      const wrong = letters.filter((letter, i) => {
        const wanted = letter[change]();
        return [...wanted].length === 1 && wanted !== letter && y0.data[i] !== wanted;
      });
      assert.deepEqual(wrong, [], action);
    }
  });
});

describe('StringSplit', () => {
  const texts = strings(
    ['a b c', 'one,two,,three', '', ' lead', 'trail ', 'x', ',', 'a  b', 'a--b-c', '---'],
    [2, 5],
  );
  for (const delimiter of [' ', ',', '--', '-', 'a b c'])
    for (const maxsplit of [undefined, 0, 1, 2])
      test(`${JSON.stringify(delimiter)} ${maxsplit}`, async () => {
        const attributes = { delimiter, ...(maxsplit !== undefined && { maxsplit }) };
        await judge({ op: 'StringSplit', inputs: [texts], attributes, outputs: ['string', 'int64'] });
      });
  test('blanks', async () => {
    // As Python's str.split does.
    const wanted = [
      [undefined, ['a', 'b', 'c'], ['x'], [], []],
      [1, ['a', 'b \tc '], ['x'], [], []],
      [0, ['a  b \tc '], ['x\n'], [], []],
    ];
    for (const [maxsplit, ...rows] of wanted) {
      const { y0, y1 } = await runNode('kinglet-simd', {
        op: 'StringSplit',
        inputs: [strings([' a  b \tc ', 'x\n', '', ' \n'])],
        attributes: maxsplit === undefined ? {} : { maxsplit },
        outputs: ['string', 'int64'],
      });
      const width = Math.max(...rows.map((row) => row.length));
      assert.deepEqual(y0.dims, [4, width]);
      assert.deepEqual(
        y0.data,
        rows.flatMap((row) => [...row, ...Array(width - row.length).fill('')]),
      );
      assert.deepEqual(
        [...y1.data],
        rows.map((row) => BigInt(row.length)),
      );
    }
  });
});

describe('StringConcat', () => {
  for (const [a, b] of [
    [
      [2, 3],
      [2, 3],
    ],
    [[2, 1], [3]],
    [[], [2, 2]],
    [
      [2, 1, 2],
      [3, 1],
    ],
    [[0, 3], [3]],
  ])
    test(`${a} and ${b}`, () => {
      const of = (dims, mark) =>
        strings(
          Array.from({ length: dims.reduce((x, y) => x * y, 1) }, (_, i) => `${mark}${i}`),
          dims,
        );
      return judge({ op: 'StringConcat', inputs: [of(a, 'ä'), of(b, '😀')], outputs: ['string'] });
    });
});

describe('TfIdfVectorizer', () => {
  const numbers = {
    ngram_counts: [0, 4, 10],
    ngram_indexes: [3, 0, 2, 1, 4, 6, 5, 7, 8],
    pool_int64s: [2, 3, 5, 4, 5, 6, 7, 8, 6, 7, 1, 2, 3, 6, 7, 8],
  };
  const words = {
    ngram_counts: [0, 2],
    ngram_indexes: [0, 1, 2, 3],
    pool_strings: ['a', 'ü', 'a', 'b', 'b', 'ü'],
  };
  const rows = {
    int32: tensor('int32', [2, 7], [2, 3, 5, 4, 5, 6, 7, 8, 6, 7, 6, 7, 1, 2]),
    int64: ints([1, 2, 3, 9, 5, 6, 6, 7, 8]),
    string: strings(['a', 'b', 'ü', 'a', 'x', 'b', 'a', 'b'], [2, 4]),
  };
  for (const mode of ['TF', 'IDF', 'TFIDF'])
    for (const [type, x] of Object.entries(rows))
      for (const [min_gram_length, max_gram_length] of [
        [1, 1],
        [1, 2],
        [2, 2],
        [1, 3],
      ])
        for (const max_skip_count of [0, 1, 5]) {
          const pool = type === 'string' ? words : numbers;
          if (max_gram_length > pool.ngram_counts.length) continue;
          test(`${mode} ${type} ${min_gram_length}-${max_gram_length} skip ${max_skip_count}`, () =>
            judge({
              op: 'TfIdfVectorizer',
              inputs: [x],
              attributes: { mode, min_gram_length, max_gram_length, max_skip_count, ...pool },
            }));
        }
  for (const mode of ['TF', 'IDF', 'TFIDF'])
    test(`${mode}: a weight belongs to its n-gram`, () => {
      const weights = { floats: [2, 3, 4, 5, 6, 7, 8, 9, 10] };
      const x = ints([2, 3, 5, 4, 5, 6, 7, 8]);
      const grams = { mode, min_gram_length: 1, max_gram_length: 2, max_skip_count: 0 };
      return judge({ op: 'TfIdfVectorizer', inputs: [x], attributes: { ...grams, ...numbers, weights } });
    });
  test('empty rows', async () => {
    const { y0 } = await runNode('kinglet-simd', {
      op: 'TfIdfVectorizer',
      inputs: [strings([], [2, 0])],
      attributes: { mode: 'TF', min_gram_length: 1, max_gram_length: 2, max_skip_count: 3, ...words },
    });
    assert.deepEqual([y0.dims, [...y0.data]], [[2, 4], Array(8).fill(0)]);
  });
});
