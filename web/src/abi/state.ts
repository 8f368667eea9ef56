// Inputs that take what an output was in the run before.
import { KingletError } from '../errors.js';
import type { Description, Port } from './types.js';

const refusal = (detail: string) => new KingletError('invalid_argument', `state: ${detail}`);

function placeOf(ports: readonly Port[], name: string, kind: 'input' | 'output'): number {
  const place = ports.findIndex((port) => port.name === name);
  if (place >= 0) return place;
  const names = ports.map((port) => `'${port.name}'`).join(', ');
  throw refusal(`the model has no ${kind} '${name}'; it has ${names}`);
}

/** Of an input's name, what stands where `pattern` has its `*`; undefined where it does not fit. */
function matched(pattern: readonly [string, string], name: string): string | undefined {
  const [before, after] = pattern;
  const fits = name.length >= before.length + after.length && name.startsWith(before) && name.endsWith(after);
  return fits ? name.slice(before.length, name.length - after.length) : undefined;
}

/** The places of inputs and outputs that `wanted` names; a `*` in both names stands for the same characters. */
export function statePorts(
  wanted: readonly (readonly [input: string, output: string])[],
  { inputs, outputs }: Description,
): (readonly [input: number, output: number])[] {
  return wanted.flatMap(([input, output]) => {
    const [before, after, ...more] = input.split('*');
    if (after === undefined || more.length > 0 || output.split('*').length !== 2)
      return [[placeOf(inputs, input, 'input'), placeOf(outputs, output, 'output')] as const];
    const found = inputs.flatMap(({ name }, place) => {
      const middle = matched([before as string, after], name);
      if (middle === undefined) return [];
      return [
        [
          place,
          placeOf(
            outputs,
            output.replace('*', () => middle),
            'output',
          ),
        ] as const,
      ];
    });
    if (found.length === 0) placeOf(inputs, input, 'input');
    return found;
  });
}
