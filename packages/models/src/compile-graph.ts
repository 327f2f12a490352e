import { AibenchError, elementCount, formatShape, type Tensor, tensorSizeBytes } from '@aibench/core';
import type { Graph } from './graph.js';
import { batchExtent, withBatch } from './infer-shape.js';
import type { Kernel, Value } from './kernel.js';
import { kernelOf } from './kernels.js';

/**
 * A graph ready to run. Takes the inputs by name, in any order; gives the
 * outputs in the graph's order, in memory of their own. Not to be entered again
 * while it runs, which nothing does that runs on one thread.
 *
 * @throws AIBENCH_INPUT where an input is missing, or is of another dtype, shape or size than declared,
 *   or where batches differ
 */
export type CompiledGraph = (inputs: readonly Tensor[]) => Tensor[];

/** A graph's buffers and kernels for one size of batch. */
interface Plan {
  readonly values: ReadonlyMap<string, Value>;
  readonly kernels: readonly Kernel[];
}

/**
 * Prepares a graph for many runs. What depends on constants alone is computed
 * here; buffers are laid out with the first run, and again when the size of the
 * batch changes. Arithmetic is float32's, except that sums are rounded once, at
 * their end; answers lie within 1e-5 of ONNX Runtime's.
 */
export function compileGraph(graph: Graph): CompiledGraph {
  const fixed = foldConstants(graph);
  let plan: Plan | undefined;
  let planBatch = 0;
  return (inputs) => {
    const ordered = orderedInputs(graph, inputs);
    const batch = batchOf(graph, ordered);
    if (plan === undefined || planBatch !== batch) {
      plan = makePlan(graph, fixed, batch);
      planBatch = batch;
    }
    const { values, kernels } = plan;
    for (const input of ordered) {
      const target = values.get(input.name)!.data;
      // By bytes, since rows in a data file need not be aligned to 4.
      new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(input.data);
    }
    for (const kernel of kernels) kernel();
    return graph.outputs.map((output) => {
      const value = values.get(output.name)!;
      return { ...output, shape: value.shape, data: new Uint8Array(value.data.slice().buffer) };
    });
  };
}

/** Runs a graph once; {@link compileGraph} is for many runs. */
export function evaluate(graph: Graph, inputs: readonly Tensor[]): Tensor[] {
  return compileGraph(graph)(inputs);
}

/** The values of all nodes that depend on no input. */
function foldConstants(graph: Graph): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>();
  for (const node of graph.nodes) {
    const shape = graph.shapes.get(node.name)!;
    if (node.op === 'constant') values.set(node.name, { shape, data: node.values });
    else if (node.op !== 'input' && node.inputs.every((input) => values.has(input))) {
      const value = { shape, data: new Float32Array(elementCount(shape)) };
      kernelOf(
        node,
        node.inputs.map((input) => values.get(input)!),
        value,
      )();
      values.set(node.name, value);
    }
  }
  return values;
}

/** A buffer that nothing reads any more is used again, or a batch of images would take gigabytes. */
function makePlan(graph: Graph, fixed: ReadonlyMap<string, Value>, batch: number): Plan {
  const values = new Map(fixed);
  const kernels: Kernel[] = [];
  const uses = new Map<string, number>();
  const kept = [...graph.inputs, ...graph.outputs].map(({ name }) => name);
  for (const name of [...kept, ...graph.nodes.flatMap(({ inputs }) => inputs)]) {
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  const spare: Float32Array[] = [];
  for (const node of graph.nodes) {
    if (fixed.has(node.name)) continue;
    const shape = withBatch(graph.shapes.get(node.name)!, batch);
    const count = elementCount(shape);
    // Inputs are all given before anything is computed, so no buffer that another node uses will do.
    const value = { shape, data: node.op === 'input' ? new Float32Array(count) : takeBuffer(spare, count) };
    values.set(node.name, value);
    if (node.op === 'input' || node.op === 'constant') continue;
    kernels.push(
      kernelOf(
        node,
        node.inputs.map((input) => values.get(input)!),
        value,
      ),
    );
    for (const input of node.inputs) {
      const left = uses.get(input)! - 1;
      uses.set(input, left);
      if (left === 0 && !fixed.has(input)) spare.push(values.get(input)!.data);
    }
  }
  return { values, kernels };
}

/** The smallest of the spare buffers that is large enough, cut to size, or a new one. */
function takeBuffer(spare: Float32Array[], length: number): Float32Array {
  let best = -1;
  for (const [i, { buffer }] of spare.entries()) {
    const fits = buffer.byteLength >= length * 4;
    if (fits && (best === -1 || buffer.byteLength < spare[best]!.buffer.byteLength)) best = i;
  }
  if (best === -1) return new Float32Array(length);
  const [taken] = spare.splice(best, 1);
  return new Float32Array(taken!.buffer, 0, length);
}

function orderedInputs(graph: Graph, inputs: readonly Tensor[]): Tensor[] {
  return graph.inputs.map((declared) => {
    const tensor = inputs.find((input) => input.name === declared.name);
    if (tensor === undefined) {
      throw new AibenchError('AIBENCH_INPUT', `model ${graph.name}: input ${declared.name} is missing`);
    }
    const { dtype, shape } = tensor;
    const fits =
      dtype === 'float32' &&
      shape.length === declared.shape.length &&
      shape.every((extent, i) => extent === declared.shape[i] || declared.shape[i] === batchExtent) &&
      tensor.data.byteLength === tensorSizeBytes(tensor);
    if (!fits) {
      throw new AibenchError(
        'AIBENCH_INPUT',
        `model ${graph.name}: input ${declared.name} is float32 ${formatShape(declared.shape)}, not ${dtype} ${formatShape(shape)} in ${tensor.data.byteLength} bytes`,
      );
    }
    return tensor;
  });
}

function batchOf(graph: Graph, ordered: readonly Tensor[]): number {
  let batch: number | undefined;
  for (const [i, declared] of graph.inputs.entries()) {
    if (declared.shape[0] !== batchExtent) continue;
    const extent = ordered[i]!.shape[0]!;
    if (batch !== undefined && extent !== batch) {
      throw new AibenchError(
        'AIBENCH_INPUT',
        `model ${graph.name}: batches of ${batch} and ${extent} in one run`,
      );
    }
    batch = extent;
  }
  return batch ?? 1;
}
