import { errorLine } from '@aibench/core';
import * as ort from 'onnxruntime-node';
import { type ElementType, elementsOf, isElementType } from './element-type.js';
import { ServerError } from './server-error.js';
import { ServerTensor } from './server-tensor.js';

/** Threads that ONNX Runtime may use for one model. */
export interface SessionOptions {
  /** Threads inside one operator; 0 lets ONNX Runtime choose. */
  readonly intraOpThreads: number;
  /** Operators run side by side; 0 lets ONNX Runtime choose. */
  readonly interOpThreads: number;
}

/** An input or output as the model file declares it. */
export interface TensorDeclaration {
  readonly name: string;
  readonly type: ElementType;
  /** Extents; undefined where the model leaves one open. */
  readonly shape: readonly (number | undefined)[];
}

/** What one run gave. */
export interface SessionRun {
  /** In the order of the session's outputs. */
  readonly outputs: ServerTensor[];
  /** Time inside ONNX Runtime, without waiting for other runs. */
  readonly durationMs: number;
}

/** Version of the library that runs models here. */
export const onnxRuntimeVersion: string = ort.env.versions.node ?? ort.env.versions.common;

/** ONNX Runtime's severity 3 is errors: a client gets them anyway, warnings would only fill stderr. */
const logSeverityErrors = 3;

/**
 * A model loaded into ONNX Runtime. Runs are executed by the event loop, one
 * after another, between rounds of input and output: for a small model a hop to
 * another thread costs several times the run itself.
 */
export class OnnxSession {
  readonly inputs: readonly TensorDeclaration[];
  readonly outputs: readonly TensorDeclaration[];
  readonly #session: ort.InferenceSession;
  readonly #outputNames: readonly string[];

  private constructor(
    session: ort.InferenceSession,
    inputs: readonly TensorDeclaration[],
    outputs: readonly TensorDeclaration[],
  ) {
    this.#session = session;
    this.inputs = inputs;
    this.outputs = outputs;
    this.#outputNames = outputs.map(({ name }) => name);
  }

  /**
   * Loads an ONNX file.
   *
   * @throws ServerError with ONNX Runtime's message when the file is none, or needs what this server lacks
   */
  static async load(model: Uint8Array, options: SessionOptions): Promise<OnnxSession> {
    let session: ort.InferenceSession;
    try {
      session = await ort.InferenceSession.create(model, {
        executionProviders: ['cpu'],
        intraOpNumThreads: options.intraOpThreads,
        interOpNumThreads: options.interOpThreads,
        executionMode: options.interOpThreads > 1 ? 'parallel' : 'sequential',
        logSeverityLevel: logSeverityErrors,
      });
    } catch (error) {
      throw new ServerError(errorLine(error), { cause: error });
    }
    const inputs = session.inputMetadata.map(readDeclaration);
    const outputs = session.outputMetadata.map(readDeclaration);
    return new OnnxSession(session, inputs, outputs);
  }

  /**
   * Runs the model on tensors in the order of its inputs.
   *
   * @throws ServerError with ONNX Runtime's message when shapes or types don't fit
   */
  async run(inputs: readonly ServerTensor[]): Promise<SessionRun> {
    const feeds: Record<string, ort.Tensor> = {};
    for (let i = 0; i < this.inputs.length; i++) {
      const tensor = inputs[i]!;
      feeds[this.inputs[i]!.name] = new ort.Tensor(
        tensor.type,
        elementsOf(tensor.type, tensor.data) as Float32Array,
        tensor.shape,
      );
    }
    let startMs = 0;
    // ONNX Runtime's binding runs the model in a setImmediate callback; this one comes right before it,
    // so the time is that of the run, not of the runs that other requests have queued ahead.
    setImmediate(() => {
      startMs = performance.now();
    });
    let results: ort.InferenceSession.ReturnType;
    try {
      results = await this.#session.run(feeds);
    } catch (error) {
      throw new ServerError(errorLine(error), { cause: error });
    }
    const durationMs = performance.now() - startMs;
    const outputs = this.#outputNames.map((name, index) =>
      readResult(results[name]!, this.outputs[index]!.type),
    );
    return { outputs, durationMs };
  }
}

function readDeclaration(metadata: ort.InferenceSession.ValueMetadata): TensorDeclaration {
  if (!metadata.isTensor || !isElementType(metadata.type)) {
    const type = metadata.isTensor ? metadata.type : 'no tensor';
    throw new ServerError(`"${metadata.name}" of the model is ${type}, which this server does not carry`);
  }
  const shape = metadata.shape.map((extent) => (typeof extent === 'number' ? extent : undefined));
  return { name: metadata.name, type: metadata.type, shape };
}

function readResult(result: ort.OnnxValue, type: ElementType): ServerTensor {
  const { data, dims } = result as ort.Tensor & { readonly data: ArrayBufferView };
  return new ServerTensor(type, dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
