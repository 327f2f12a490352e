import { AibenchError, type TensorSpec, withRowCount } from '@aibench/core';
import type { InferenceTask, RequestTensors, RunnerContext, ServerDescription } from '@aibench/harness';
import { describeStore, type StoreDetails } from '@aibench/reference-store';
import { type InferenceCall, type InspectedModel, inspectModel } from '@aibench/triton';
import type { flags, TritonFlags } from './flags.js';
import { closeControls, modelName, openControls } from './open-control.js';

/** What sessions need to know, found out once for all of them; part of {@link ServerDescription}. */
export interface TritonDetails extends StoreDetails {
  /** Shapes that the model takes and gives its tensors in, as {@link shapesText} writes them. */
  readonly inputShapes: string;
  readonly outputShapes: string;
}

const referenceProduct = 'aibench-reference-server';

/** How products are called that call themselves otherwise. */
const productNames: Readonly<Record<string, string>> = { triton: 'Triton' };

/**
 * Sees that every server is live, that it has the model, and that the model
 * takes and gives what the use case calls for; and that the store of reference
 * data is there, where one is needed.
 *
 * @throws AIBENCH_CONNECTION, AIBENCH_SERVER, AIBENCH_MISSING_KEY, AIBENCH_ANSWER
 */
export async function describeServer(context: RunnerContext<typeof flags>): Promise<ServerDescription> {
  const { flags: values, task } = context;
  const controls = openControls(context);
  try {
    const model = modelName(values, task);
    const wanted = { model, version: values.modelVersion };
    const inspected = await Promise.all(controls.map((control) => inspectModel(control, task, wanted)));
    const shapes = inspected.map(({ call }) => shapesText([...call.inputs, ...call.outputs]));
    const other = shapes.findIndex((text) => text !== shapes[0]);
    if (other > 0) {
      throw new AibenchError(
        'AIBENCH_ANSWER',
        `${controls[other]!.address} takes ${shapes[other]}, ${controls[0].address} ${shapes[0]}`,
        { hint: 'the servers must have the same model' },
      );
    }
    const store = await describeStore(context);
    const [first] = inspected as [InspectedModel, ...InspectedModel[]];
    return {
      product: productNames[first.server.name] ?? first.server.name,
      version: first.server.version || 'unknown',
      isReference: inspected.some(({ server }) => server.name === referenceProduct),
      details: {
        addresses: controls.map(({ address }) => address).join(','),
        protocol: values.protocol,
        ...(values.protocol === 'grpc'
          ? { grpcClient: values.grpcClient }
          : { httpClient: values.httpClient }),
        model,
        serverReady: inspected.every(({ serverReady }) => serverReady),
        versions: first.description.versions.join(','),
        platform: first.description.platform,
        ...configurationDetails(first),
        inputShapes: shapesText(first.call.inputs),
        outputShapes: shapesText(first.call.outputs),
        ...store,
      } satisfies TritonDetails & ServerDescription['details'],
    };
  } finally {
    await closeControls(controls);
  }
}

/** How the model is asked about some rows, as {@link describeServer} has found out. */
export function inferenceCall(
  task: RequestTensors & Pick<InferenceTask, 'batchSize' | 'defaultModelName'>,
  values: TritonFlags,
  { details }: ServerDescription,
  rowCount: number,
): InferenceCall {
  const inputs = withShapes([...task.inputs, ...task.references], String(details['inputShapes']));
  const outputs = withShapes(task.outputs, String(details['outputShapes']));
  const isWhole = rowCount === task.batchSize;
  return {
    model: modelName(values, task),
    version: values.modelVersion,
    inputs: isWhole ? inputs : withRowCount(inputs, rowCount),
    outputs: isWhole ? outputs : withRowCount(outputs, rowCount),
  };
}

/** Shapes on one line: `1x30,256`; a scalar's is empty. */
function shapesText(tensors: readonly TensorSpec[]): string {
  return tensors.map(({ shape }) => shape.join('x')).join(',');
}

function withShapes(specs: readonly TensorSpec[], text: string): TensorSpec[] {
  const shapes = text.split(',');
  return specs.map(({ name, dtype }, i) => {
    const shape = shapes[i] ?? '';
    return { name, dtype, shape: shape === '' ? [] : shape.split('x').map(Number) };
  });
}

function configurationDetails({ configuration }: InspectedModel): ServerDescription['details'] {
  if (configuration === undefined) return {};
  const { backend, maxBatchSize, dynamicBatching, instances } = configuration;
  return {
    backend,
    maxBatchSize,
    instances: instances.map(({ kind, count }) => `${count} ${kind}`).join(','),
    dynamicBatching: dynamicBatching !== undefined,
    ...(dynamicBatching === undefined
      ? {}
      : {
          preferredBatchSizes: dynamicBatching.preferredBatchSizes.join(','),
          maxQueueDelayUs: dynamicBatching.maxQueueDelayUs,
        }),
  };
}
