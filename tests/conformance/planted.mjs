// A runtime with planted defects, by operator, over onnxruntime-node: the runner must call each by its name.
import { readModel } from '../support/onnx.mjs';
import { openRuntime } from '../support/runtimes.mjs';

class TypedError extends Error {
  code = 'PLANTED';
}

const defects = {
  Abs: (outputs) => outputs,
  // One element wrong by one percent.
  Ceil: (outputs) => {
    for (const { data } of Object.values(outputs))
      data[data.length - 1] = data[data.length - 1] * 1.01 + 0.01;
    return outputs;
  },
  Cos: () => ({}),
  Exp: () => {
    throw new TypedError('refused');
  },
  Floor: () => {
    throw new WebAssembly.RuntimeError('unreachable');
  },
  Neg: () => process.abort(),
  Sin: () => {
    for (;;);
  },
};

export async function open() {
  const judge = await openRuntime('ort-node');
  return {
    ...judge,
    typed: (error) => (error instanceof TypedError ? error.code : undefined),
    async create(model) {
      const [{ op_type }] = readModel(model).graph.node;
      const session = await judge.create(model);
      return { ...session, run: async (feeds) => defects[op_type](await session.run(feeds)) };
    },
  };
}
