import type { NumericArray } from '../dtypes.js';
import type { Tensor } from '../tensor.js';

/** A value as it crosses threads: everything in it can be cloned, its arrays can be transferred. */
export type Wire =
  | null
  | { readonly kind: 'tensor'; type: Tensor.Type; dims: readonly number[]; data: NumericArray | string[] }
  | { readonly kind: 'sequence'; items: Wire[] }
  | { readonly kind: 'map'; keys: Wire; values: Wire };

/** A declared type, as the engine describes it. A dimension without a name or size is ''. */
export type PortType =
  | { kind: 'tensor'; dtype: Tensor.Type; shape?: (number | string)[] }
  | { kind: 'sequence' | 'optional'; element?: PortType }
  | { kind: 'map'; dtype: Tensor.Type; element?: PortType }
  | { kind: 'unknown' };

/** An input or output; `text` is its type for people. */
export interface Port {
  name: string;
  text: string;
  type: PortType;
}

export interface Description {
  inputs: Port[];
  outputs: Port[];
  /** A run may go on for as long as its inputs' values say. */
  loops: boolean;
  /** Places of inputs and of the outputs that they are in the run before, where they are not fed. */
  state: (readonly [input: number, output: number])[];
}

export interface OpenOptions {
  optimize: boolean;
  profile: boolean;
  dimensions: (readonly [name: string, extent: number])[];
  /** Inputs that take an output of the run before. */
  state: (readonly [input: string, output: string])[];
  /** Bytes that the engine's buffers may take together. */
  memoryLimit: number;
  /** The most that take part in a run, the session's own thread included. */
  threads: number;
  /** Whether a copy of the session may run elsewhere. */
  movable: boolean;
}
