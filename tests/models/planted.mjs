// onnxruntime-node with one number of each output a little wrong: the comparison must see it.
import { openRuntime } from '../support/runtimes.mjs';

const share = 2e-3;

export async function open() {
  const judge = await openRuntime('ort-node');
  return {
    ...judge,
    async create(model, options) {
      const session = await judge.create(model, options);
      return {
        ...session,
        async run(feeds) {
          const outputs = await session.run(feeds);
          for (const { data } of Object.values(outputs)) {
            const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
            data[data.length >> 1] += share * largest;
          }
          return outputs;
        },
      };
    },
  };
}
