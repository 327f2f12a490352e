import { type ElementArray, elementsOf } from '../inference/element-type.js';
import { ServerError } from '../inference/server-error.js';
import { ServerTensor } from '../inference/server-tensor.js';

/** Which answers are spoiled; 0 is none. */
export interface AnswerFaultOptions {
  /** Every N-th inference is answered with an error. */
  readonly failEvery: number;
  /** Every N-th inference is answered with wrong numbers of the right shape. */
  readonly wrongEvery: number;
}

/** Spoils answers at a fixed rate, so that what checks answers can be checked. */
export class AnswerFaults {
  readonly #options: AnswerFaultOptions;
  #answers = 0;

  constructor(options: AnswerFaultOptions) {
    this.#options = options;
  }

  /**
   * An inference's answer on its way out.
   *
   * @throws ServerError for every N-th one, where so asked
   */
  pass(outputs: readonly ServerTensor[]): readonly ServerTensor[] {
    const { failEvery, wrongEvery } = this.#options;
    if (failEvery === 0 && wrongEvery === 0) return outputs;
    this.#answers += 1;
    if (failEvery > 0 && this.#answers % failEvery === 0) {
      throw new ServerError(`injected failure (--fail-every ${failEvery})`);
    }
    if (wrongEvery > 0 && this.#answers % wrongEvery === 0) return outputs.map(spoil);
    return outputs;
  }
}

/** Adds 1 to each number (flips each truth value): wrong beyond any sensible tolerance. */
function spoil(tensor: ServerTensor): ServerTensor {
  const data = new Uint8Array(tensor.data);
  if (tensor.type === 'bool') {
    for (let i = 0; i < data.length; i++) data[i]! ^= 1;
  } else {
    addOne(elementsOf(tensor.type, data));
  }
  return new ServerTensor(tensor.type, tensor.shape, data);
}

function addOne(elements: ElementArray): void {
  if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
    for (let i = 0; i < elements.length; i++) elements[i]! += 1n;
  } else {
    for (let i = 0; i < elements.length; i++) elements[i]! += 1;
  }
}
