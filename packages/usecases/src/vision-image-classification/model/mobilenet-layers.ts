/** Images that the network takes: 224x224 pixels of 3 channels. */
export const imageSize = 224;
export const imageChannels = 3;

/** Classes that it answers: ImageNet's 1000, and "background" before them. */
export const classCount = 1001;

/** Added to variances before their root is taken, as TensorFlow's definition of the network does. */
export const epsilon = 0.001;

/** A convolution that is normalised and limited to [0,6]. */
export interface MobileNetLayer {
  /** The name of its node's scope in TensorFlow, `Conv2d_1_depthwise`. */
  readonly name: string;
  /** `full`: filters over all channels; `depthwise`: one filter a channel; `pointwise`: all channels of one pixel. */
  readonly kind: 'full' | 'depthwise' | 'pointwise';
  readonly stride: 1 | 2;
  readonly inputChannels: number;
  readonly outputChannels: number;
}

/** Rows and columns of every filter that is not of one pixel. */
const windowSize = 3;

/** The 13 blocks after the first convolution, a depthwise and a pointwise convolution each: stride, channels that come out. */
const blocks: readonly (readonly [stride: 1 | 2, channels: number])[] = [
  [1, 64],
  [2, 128],
  [1, 128],
  [2, 256],
  [1, 256],
  [2, 512],
  ...Array.from({ length: 5 }, () => [1, 512] as const),
  [2, 1024],
  [1, 1024],
];

/**
 * The layers of MobileNet V1 1.0 in order, as published: A. G. Howard et al.,
 * "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
 * Applications", arXiv:1704.04861, table 1. What follows them is the mean over
 * the image, and {@link classCount} classes.
 */
export const mobileNetLayers: readonly MobileNetLayer[] = makeLayers();

/** Channels that the last layer gives. */
export const featureCount = mobileNetLayers[mobileNetLayers.length - 1]!.outputChannels;

function makeLayers(): MobileNetLayer[] {
  const layers: MobileNetLayer[] = [];
  let channels = 32;
  layers.push({
    ...{ name: 'Conv2d_0', kind: 'full', stride: 2 },
    ...{ inputChannels: imageChannels, outputChannels: channels },
  });
  for (const [i, [stride, outputChannels]] of blocks.entries()) {
    const name = `Conv2d_${i + 1}`;
    const common = { inputChannels: channels };
    layers.push(
      { name: `${name}_depthwise`, kind: 'depthwise', stride, ...common, outputChannels: channels },
      { name: `${name}_pointwise`, kind: 'pointwise', stride: 1, ...common, outputChannels },
    );
    channels = outputChannels;
  }
  return layers;
}

/** The shape of a layer's filters, [rows, columns, channels, results], where depthwise ones have 1 result a channel. */
export function filterShape({ kind, inputChannels, outputChannels }: MobileNetLayer): readonly number[] {
  const size = kind === 'pointwise' ? 1 : windowSize;
  return [size, size, inputChannels, kind === 'depthwise' ? 1 : outputChannels];
}
