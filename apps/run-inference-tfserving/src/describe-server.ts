import { AibenchError, formatShape, type TensorSpec, withRowCount } from '@aibench/core';
import { type ControlClient, formatGrpcAddress, openControlClient } from '@aibench/grpc';
import type { InferenceTask, RunnerContext, ServerDescription } from '@aibench/harness';
import { describeStore, type StoreDetails } from '@aibench/reference-store';
import {
  aboutModel,
  askModelStatus,
  askSignature,
  availableVersion,
  identifyServer,
  type ModelChoice,
  type ModelSignature,
  matchSignature,
  type ServerIdentity,
  type TensorTask,
  type WireTensors,
} from '@aibench/tfserving';
import type { flags, TfServingFlags } from './flags.js';
import { hostFlag, serverAddresses } from './server-addresses.js';

/** What sessions need to know, found out once for all of them; part of {@link ServerDescription}. */
export interface TfServingDetails extends StoreDetails {
  /** Shapes that the model takes its tensors in, as JSON: `[[1,30],[256]]`. */
  readonly inputShapes: string;
  /** Shapes that it gives them in. */
  readonly outputShapes: string;
}

/** Questions take longer than inferences: the server may be busy loading. */
const shortestLimitMs = 5_000;

/**
 * Sees that every server has the model, loaded, and that the model takes and gives what the use case calls for; and
 * that the store of reference data is there, where one is needed.
 *
 * @throws AIBENCH_CONNECTION, AIBENCH_SERVER, AIBENCH_ANSWER
 */
export async function describeServer(context: RunnerContext<typeof flags>): Promise<ServerDescription> {
  const { flags: values, task, requestTimeoutMs } = context;
  const addresses = serverAddresses(values);
  const timeoutMs = Math.max(requestTimeoutMs, shortestLimitMs);
  const clients = addresses.map((address) => openControlClient(address, { flag: hostFlag, timeoutMs }));
  try {
    const choice = modelChoice(values, task);
    const inspected = await Promise.all(clients.map((client) => inspect(client, task, choice)));
    const shapes = inspected.map(({ tensors }) => shapesOf(tensors.inputs) + shapesOf(tensors.outputs));
    const other = shapes.findIndex((text) => text !== shapes[0]);
    if (other > 0) {
      throw new AibenchError(
        'AIBENCH_ANSWER',
        `${clients[other]!.address} takes tensors of other shapes than ${clients[0]!.address}`,
        { hint: 'the servers must have the same model' },
      );
    }
    const store = await describeStore(context);
    const { identity, version, tensors } =
      inspected.find((each) => each.identity.isReference) ?? inspected[0]!;
    return {
      ...identity,
      details: {
        addresses: addresses.map(formatGrpcAddress).join(','),
        model: choice.model,
        modelVersion: version,
        signature: values.signature,
        grpcClient: values.grpcClient,
        inputShapes: shapesOf(tensors.inputs),
        outputShapes: shapesOf(tensors.outputs),
        ...store,
      } satisfies TfServingDetails & ServerDescription['details'],
    };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

/** Which model is asked, as the user gives it. */
export function modelChoice(
  { model, modelVersion, signature }: TfServingFlags,
  task: Pick<InferenceTask, 'defaultModelName'>,
): ModelChoice {
  return {
    model: model === '' ? task.defaultModelName : model,
    version: modelVersion === 0 ? undefined : modelVersion,
    signature,
  };
}

/** The tensors of an inference of some rows as {@link describeServer} has found that the model wants them. */
export function wireTensors(
  task: TensorTask & Pick<InferenceTask, 'batchSize'>,
  { details }: ServerDescription,
  rowCount: number,
): WireTensors {
  const inputs = withShapes([...task.inputs, ...task.references], details['inputShapes']);
  const outputs = withShapes(task.outputs, details['outputShapes']);
  if (rowCount === task.batchSize) return { inputs, outputs };
  return { inputs: withRowCount(inputs, rowCount), outputs: withRowCount(outputs, rowCount) };
}

/** What one server tells of itself and of the model. */
interface Inspected {
  readonly identity: ServerIdentity;
  readonly version: number;
  readonly tensors: WireTensors;
}

async function inspect(client: ControlClient, task: TensorTask, choice: ModelChoice): Promise<Inspected> {
  const { versions, serverHeader } = await askModelStatus(client, choice);
  const version = availableVersion(client.address, choice, versions);
  const signature = await askSignature(client, { ...choice, version });
  const identity = identifyServer(serverHeader);
  const isNull = identity.isReference && isNullModel(signature);
  return { identity, version, tensors: isNull ? asGiven(task) : match(client, task, choice, signature) };
}

/** A null server answers whatever is asked, and its models have no tensors to be checked. */
function isNullModel({ inputs, outputs }: ModelSignature): boolean {
  return inputs.length === 0 && outputs.length === 0;
}

function asGiven(task: TensorTask): WireTensors {
  return { inputs: [...task.inputs, ...task.references], outputs: task.outputs };
}

function match(
  { address }: ControlClient,
  task: TensorTask,
  choice: ModelChoice,
  signature: ModelSignature,
): WireTensors {
  try {
    return matchSignature(task, signature);
  } catch (error) {
    throw aboutModel(address, choice, error);
  }
}

function shapesOf(specs: readonly TensorSpec[]): string {
  return `[${specs.map(({ shape }) => formatShape(shape)).join(',')}]`;
}

function withShapes(specs: readonly TensorSpec[], text: unknown): TensorSpec[] {
  const shapes = JSON.parse(String(text)) as readonly (readonly number[])[];
  return specs.map(({ name, dtype, shape }, i) => ({ name, dtype, shape: shapes[i] ?? shape }));
}
