/** What stands behind a layer's convolution. */
export type Normalization =
  | {
      /** Batch normalisation, as in training: four vectors of one value a channel. */
      readonly kind: 'batch';
      readonly scale: Float32Array;
      readonly offset: Float32Array;
      readonly mean: Float32Array;
      readonly variance: Float32Array;
      readonly epsilon: number;
    }
  | {
      /** Folded into the filters, of which an offset is left over. */
      readonly kind: 'folded';
      readonly offset: Float32Array;
    };

/** The numbers of one convolution. */
export interface LayerWeights {
  /** Row-major, of the layer's `filterShape`. */
  readonly filters: Float32Array;
  readonly normalization: Normalization;
}

/** All numbers of MobileNet V1 1.0 with 1001 classes. */
export interface MobileNetWeights {
  /** In the order of `mobileNetLayers`. */
  readonly layers: readonly LayerWeights[];
  readonly classes: {
    /** [features, classes], row-major. */
    readonly weights: Float32Array;
    readonly biases: Float32Array;
  };
}
