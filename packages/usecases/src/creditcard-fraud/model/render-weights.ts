import { measureModel } from './measure-model.js';
import { networkGraph } from './network-graph.js';
import { encodeNetwork } from './stored-network.js';
import type { NetworkWeights } from './train-network.js';
import { hiddenSizes } from './train-network.js';

/** Both trained networks. */
export interface TrainedNetworks {
  readonly withoutReference: NetworkWeights;
  readonly withReference: NetworkWeights;
}

/** Judges the networks and gives the text of `fraud-weights.ts`. */
export function renderWeights(networks: TrainedNetworks): string {
  return `// Written by train.ts; see docs/models.md. Not to be edited by hand.
import type { StoredNetwork } from './stored-network.js';

/** The trained fraud networks. */
export const fraudWeights: Readonly<Record<'withoutReference' | 'withReference', StoredNetwork>> = {
  withoutReference: ${renderNetwork(networks.withoutReference)},
  withReference: ${renderNetwork(networks.withReference)},
};
`;
}

function renderNetwork(network: NetworkWeights): string {
  const { balancedAuc, naturalAuc } = measureModel(networkGraph('trained', network));
  return `{
    layerSizes: [${[network.inputMeans.length, ...hiddenSizes, 2].join(', ')}],
    balancedAuc: ${roundedAuc(balancedAuc)},
    naturalAuc: ${roundedAuc(naturalAuc)},
    parameters: \`
${encodeNetwork(network)}
\`,
  }`;
}

function roundedAuc(value: number): number {
  return Number(value.toFixed(4));
}
