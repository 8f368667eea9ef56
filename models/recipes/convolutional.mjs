// Convolutional networks: batch normalisation folded away (ResNet-50, MobileNetV2, U-Net) or beside its convolution, as exporters leave it.
import { Network } from './network.mjs';

/** `gain`: 2 where a Relu-like function follows. `norm`: a BatchNormalization in place of a bias. */
function conv(net, x, from, to, kernel, { stride = 1, group = 1, gain = 1, norm = false } = {}) {
  const pad = (kernel - 1) / 2;
  const fanIn = (from / group) * kernel * kernel;
  const inputs = [x, net.weights([to, from / group, kernel, kernel], fanIn, gain)];
  if (!norm) inputs.push(net.uniform([to], -0.1, 0.1));
  const y = net.op('Conv', inputs, {
    dilations: [1, 1],
    group,
    kernel_shape: [kernel, kernel],
    pads: [pad, pad, pad, pad],
    strides: [stride, stride],
  });
  if (!norm) return y;
  const bounds = [
    [0.8, 1.2],
    [-0.2, 0.2],
    [-0.2, 0.2],
    [0.8, 1.2],
  ];
  const statistics = bounds.map(([low, high]) => net.uniform([to], low, high));
  return net.op('BatchNormalization', [y, ...statistics], { epsilon: { float: 1e-5 } });
}

const relu = (net, x) => net.op('Relu', [x]);
const relu6 = (net, x) => net.op('Clip', [x, net.number(0), net.number(6)]);
const swish = (net, x) => net.op('Mul', [x, net.op('Sigmoid', [x])]);
function hardSigmoid(net, x) {
  const clipped = relu6(net, net.op('Add', [x, net.number(3)]));
  return net.op('Div', [clipped, net.number(6)]);
}
const hardSwish = (net, x) => net.op('Mul', [x, hardSigmoid(net, x)]);

/** Squeeze and excitation: channels are weighted by a gate that sees their means. */
function squeeze(net, x, channels, inner, activation, gate) {
  const means = net.op('ReduceMean', [x], { axes: [2, 3], keepdims: 1 });
  const narrow = activation(net, conv(net, means, channels, inner, 1, { gain: 2 }));
  return net.op('Mul', [x, gate(net, conv(net, narrow, inner, channels, 1))]);
}

/** Inverted residual: 1x1 up, depthwise, (squeeze), 1x1 down, added to the input where shapes allow. */
function inverted(net, x, { from, to, wide, kernel, stride, activation, norm, excite }) {
  let y = x;
  if (wide !== from) y = activation(net, conv(net, y, from, wide, 1, { gain: 2, norm }));
  y = activation(net, conv(net, y, wide, wide, kernel, { stride, group: wide, gain: 2, norm }));
  if (excite) y = excite(y, wide);
  y = conv(net, y, wide, to, 1, { norm });
  return stride === 1 && from === to ? net.op('Add', [x, y]) : y;
}

/** Means of channels to `scores` [1, 1000]. */
function classify(net, x, channels) {
  const flat = net.op('Flatten', [net.op('GlobalAveragePool', [x])], { axis: 1 });
  const weights = net.weights([1000, channels], channels);
  const scores = net.op('Gemm', [flat, weights, net.uniform([1000], -0.1, 0.1)], { transB: 1 });
  net.output(scores, 'scores', [1, 1000]);
  return net.bytes();
}

/** Rows of `stages` that are kept: all, or the first `most`. */
function blocks(stages, most) {
  const rows = stages.flatMap(([count, { stride, ...stage }]) =>
    Array.from({ length: count }, (_, i) => ({ ...stage, stride: i === 0 ? stride : 1 })),
  );
  return rows.slice(0, most);
}

/** With strides at the 3x3 convolutions. The last convolution of a block is small, so that 16 sums in a row stay in bounds. */
export function resNet50({ seed, side, most }) {
  const net = new Network('resnet50', seed, 13);
  let x = net.input('image', 'float32', [1, 3, side, side]);
  x = relu(net, conv(net, x, 3, 64, 7, { stride: 2, gain: 2 }));
  x = net.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  let from = 64;
  const stages = [
    [3, { inner: 64, stride: 1 }],
    [4, { inner: 128, stride: 2 }],
    [6, { inner: 256, stride: 2 }],
    [3, { inner: 512, stride: 2 }],
  ];
  for (const { inner, stride } of blocks(stages, most)) {
    const to = 4 * inner;
    const narrow = relu(net, conv(net, x, from, inner, 1, { gain: 2 }));
    const seen = relu(net, conv(net, narrow, inner, inner, 3, { stride, gain: 2 }));
    const wide = conv(net, seen, inner, to, 1, { gain: 0.3 });
    const kept = from === to ? x : conv(net, x, from, to, 1, { stride });
    x = relu(net, net.op('Add', [wide, kept]));
    from = to;
  }
  return classify(net, x, from);
}

export function mobileNetV2({ seed, side, most }) {
  const net = new Network('mobilenet_v2', seed, 13);
  let x = net.input('image', 'float32', [1, 3, side, side]);
  x = relu6(net, conv(net, x, 3, 32, 3, { stride: 2, gain: 2 }));
  let from = 32;
  const stages = [
    [1, { expand: 1, to: 16, stride: 1 }],
    [2, { expand: 6, to: 24, stride: 2 }],
    [3, { expand: 6, to: 32, stride: 2 }],
    [4, { expand: 6, to: 64, stride: 2 }],
    [3, { expand: 6, to: 96, stride: 1 }],
    [3, { expand: 6, to: 160, stride: 2 }],
    [1, { expand: 6, to: 320, stride: 1 }],
  ];
  for (const { expand, to, stride } of blocks(stages, most)) {
    x = inverted(net, x, { from, to, wide: from * expand, kernel: 3, stride, activation: relu6 });
    from = to;
  }
  return classify(net, relu6(net, conv(net, x, from, 1280, 1, { gain: 2 })), 1280);
}

/** The large one: kernel, width inside, width, squeeze, function, stride. */
export function mobileNetV3({ seed, side, most }) {
  const net = new Network('mobilenet_v3', seed, 13);
  let x = net.input('image', 'float32', [1, 3, side, side]);
  const norm = true;
  x = hardSwish(net, conv(net, x, 3, 16, 3, { stride: 2, gain: 2, norm }));
  let from = 16;
  const rows = [
    [3, 16, 16, false, relu, 1],
    [3, 64, 24, false, relu, 2],
    [3, 72, 24, false, relu, 1],
    [5, 72, 40, true, relu, 2],
    [5, 120, 40, true, relu, 1],
    [5, 120, 40, true, relu, 1],
    [3, 240, 80, false, hardSwish, 2],
    [3, 200, 80, false, hardSwish, 1],
    [3, 184, 80, false, hardSwish, 1],
    [3, 184, 80, false, hardSwish, 1],
    [3, 480, 112, true, hardSwish, 1],
    [3, 672, 112, true, hardSwish, 1],
    [5, 672, 160, true, hardSwish, 2],
    [5, 960, 160, true, hardSwish, 1],
    [5, 960, 160, true, hardSwish, 1],
  ];
  const excite = (y, wide) => squeeze(net, y, wide, Math.ceil(wide / 32) * 8, relu, hardSigmoid);
  for (const [kernel, wide, to, gated, activation, stride] of rows.slice(0, most)) {
    const block = { from, to, wide, kernel, stride, activation, norm, excite: gated ? excite : undefined };
    x = inverted(net, x, block);
    from = to;
  }
  return classify(net, hardSwish(net, conv(net, x, from, 960, 1, { gain: 2, norm })), 960);
}

export function efficientNetB0({ seed, side, most }) {
  const net = new Network('efficientnet_b0', seed, 13);
  let x = net.input('image', 'float32', [1, 3, side, side]);
  const norm = true;
  const activation = swish;
  const sigmoid = (_, y) => net.op('Sigmoid', [y]);
  x = swish(net, conv(net, x, 3, 32, 3, { stride: 2, gain: 2, norm }));
  let from = 32;
  const stages = [
    [1, { expand: 1, to: 16, kernel: 3, stride: 1 }],
    [2, { expand: 6, to: 24, kernel: 3, stride: 2 }],
    [2, { expand: 6, to: 40, kernel: 5, stride: 2 }],
    [3, { expand: 6, to: 80, kernel: 3, stride: 2 }],
    [3, { expand: 6, to: 112, kernel: 5, stride: 1 }],
    [4, { expand: 6, to: 192, kernel: 5, stride: 2 }],
    [1, { expand: 6, to: 320, kernel: 3, stride: 1 }],
  ];
  for (const { expand, ...stage } of blocks(stages, most)) {
    const inner = Math.max(1, from / 4);
    const excite = (y, wide) => squeeze(net, y, wide, inner, swish, sigmoid);
    x = inverted(net, x, { ...stage, from, wide: from * expand, activation, norm, excite });
    from = stage.to;
  }
  return classify(net, swish(net, conv(net, x, from, 1280, 1, { gain: 2, norm })), 1280);
}

/** A picture [1, 3, side, side] to `mask` [1, 1, side, side]: down by pooling, up by ConvTranspose, joined by Concat. */
export function unet({ seed, side, width, depth }) {
  const net = new Network('unet', seed, 13);
  let x = net.input('image', 'float32', [1, 3, side, side]);
  const twice = (y, from, to) => {
    const first = relu(net, conv(net, y, from, to, 3, { gain: 2 }));
    return relu(net, conv(net, first, to, to, 3, { gain: 2 }));
  };
  const levels = [];
  let from = 3;
  for (let i = 0; i < depth; i++) {
    const to = width << i;
    x = twice(x, from, to);
    levels.push(x);
    x = net.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
    from = to;
  }
  x = twice(x, from, 2 * from);
  for (let i = depth - 1; i >= 0; i--) {
    const to = width << i;
    const up = [x, net.weights([2 * to, to, 2, 2], 2 * to, 1), net.uniform([to], -0.1, 0.1)];
    const larger = net.op('ConvTranspose', up, { kernel_shape: [2, 2], strides: [2, 2] });
    x = twice(net.op('Concat', [levels[i], larger], { axis: 1 }), 2 * to, to);
  }
  net.output(net.op('Sigmoid', [conv(net, x, width, 1, 1)]), 'mask', [1, 1, side, side]);
  return net.bytes();
}
