// The engine's own list of operators: kl_operators, read by the grammar of wasm/ops/signature.h.
const sets = {
  floats: 'float16 bfloat16 float32 float64',
  ints: 'int8 int16 int32 int64',
  uints: 'uint8 uint16 uint32 uint64',
  narrow8: 'float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz',
  packed: 'uint4 int4 float4e2m1 uint2 int2',
  complex: 'complex64 complex128',
};
sets.integers = `${sets.ints} ${sets.uints}`;
sets.numeric = `${sets.floats} ${sets.integers}`;
sets.all = `${sets.numeric} ${sets.narrow8} ${sets.packed} float8e8m0 ${sets.complex} bool string`;

/** @param {string} text names of types and of sets of them, joined with ',' */
export const typesOf = (text) => text.split(',').flatMap((name) => (sets[name] ?? name).split(' '));

/**
 * @typedef {{ name: string, variable?: string, any: boolean }} Port `variable`: the name under which its type is chosen
 * @typedef {{ domain: string, op: string, inputs: Port[], outputs: Port[], variables: Record<string, string[]> }} Operator
 *   `variables` has the type variables and, by the input's name, inputs that list their types in place
 * @param {string} line `domain|name|form|signature`
 * @returns {Operator}
 */
export function readOperator(line) {
  const [domain, op, , values, variables = ''] = line.split('|').map((part) => part.trim());
  const words = (text) => text.split(/\s+/).filter(Boolean);
  const operator = { domain, op, inputs: [], outputs: [], variables: {} };
  for (const word of words(variables)) {
    const [name, types] = word.split('=');
    operator.variables[name] = typesOf(types);
  }
  const [inputs, outputs] = values.split('->').map(words);
  const port = (word, free) => {
    const [, name, type] = /^([^:]+):([^?*#]+)[?*#]*$/.exec(word);
    if (type === 'any') return { name, any: true };
    if (operator.variables[type]) return { name, any: false, variable: type };
    if (free) operator.variables[name] = typesOf(type);
    return { name, any: false, variable: free ? name : undefined, types: typesOf(type) };
  };
  operator.inputs = inputs.map((word) => port(word, true));
  operator.outputs = outputs.map((word) => port(word, false));
  return operator;
}
