import type { Graph } from '@aibench/models';
import { fraudWeights } from './fraud-weights.js';
import { networkGraph } from './network-graph.js';
import { decodeNetwork } from './stored-network.js';

/** Which of the two fraud models. */
export interface FraudGraphOptions {
  /** Whether the model takes a row's reference data beside its transaction. */
  readonly withReference: boolean;
}

/**
 * The fraud model, weights and normalisation included. Input `transaction`
 * [-1,30] and, with reference data, `reference` [256] (or [1,256], by
 * `withInputShapes`); output `output` with and `out` without reference data,
 * [-1,2]: the probabilities of genuine and fraud, for a world in which half of
 * the transactions are fraud.
 */
export function fraudGraph({ withReference }: FraudGraphOptions): Graph {
  return withReference
    ? networkGraph('financialNet', decodeNetwork(fraudWeights.withReference))
    : networkGraph('financialNet_NoReference', decodeNetwork(fraudWeights.withoutReference));
}
