// LSTM layers one above the other, as PyTorch exports nn.LSTM: sequence first, states of zeros made in the graph.
import { Network } from './network.mjs';
import { linear } from './transformers.mjs';

/** `frames` [1, T, features] to `scores` [1, T, classes]; the first layer reads both ways. */
export function lstmStack({ seed, features, hidden, layers, classes }) {
  const net = new Network('lstm', seed, 13);
  const frames = net.input('frames', 'float32', [1, 'T', features]);
  let x = net.op('Transpose', [frames], { perm: [1, 0, 2] });
  let width = features;
  for (let i = 0; i < layers; i++) {
    const ways = i === 0 ? 2 : 1;
    const zeros = net.tensor('float32', [ways, 1, hidden], new Float32Array(ways * hidden));
    const inputs = [
      x,
      net.weights([ways, 4 * hidden, width], width),
      net.weights([ways, 4 * hidden, hidden], hidden),
      net.uniform([ways, 8 * hidden], -0.1, 0.1),
      '',
      zeros,
      zeros,
    ];
    const direction = ways === 2 ? 'bidirectional' : 'forward';
    const [y] = net.ops('LSTM', inputs, { hidden_size: hidden, direction }, 3);
    const turned = net.op('Transpose', [y], { perm: [0, 2, 1, 3] });
    x = net.op('Reshape', [turned, net.indices(0, 0, -1)]);
    width = ways * hidden;
  }
  const last = linear(net, net.op('Transpose', [x], { perm: [1, 0, 2] }), width, classes);
  net.output(net.op('LogSoftmax', [last], { axis: -1 }), 'scores', [1, 'T', classes]);
  return net.bytes();
}
