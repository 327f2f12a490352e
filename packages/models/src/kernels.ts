import { elementCount } from '@aibench/core';
import type { GraphNode, GraphOp, NodeOf } from './graph.js';
import {
  averagePoolKernel,
  batchNormalizationKernel,
  biasAddKernel,
  convolutionKernel,
  depthwiseKernel,
} from './image-kernels.js';
import { normalAxis } from './infer-shape.js';
import type { Kernel, Value } from './kernel.js';
import { multiplyRows } from './multiply-rows.js';
import { permuteInto } from './permuted.js';

/** Operations that are computed; the others only hold values. */
type ComputedOp = Exclude<GraphOp, 'input' | 'constant'>;

const kernels: {
  readonly [Op in ComputedOp]: (node: NodeOf<Op>, inputs: readonly Value[], output: Value) => Kernel;
} = {
  identity: (_node, inputs, output) => copyKernel(inputs[0]!, output),
  reshape: (_node, inputs, output) => copyKernel(inputs[0]!, output),
  transpose: (node, inputs, output) => transposeKernel(inputs[0]!, output, node.order),
  concat: (node, inputs, output) => concatKernel(inputs, output, normalAxis(node.axis, output.shape.length)),
  conv2d: convolutionKernel,
  depthwiseConv2d: depthwiseKernel,
  averagePool: (node, inputs, output) => averagePoolKernel(node, inputs[0]!, output),
  batchNormalization: batchNormalizationKernel,
  biasAdd: (_node, inputs, output) => biasAddKernel(inputs[0]!, inputs[1]!, output),
  add: (_node, inputs, output) => addKernel(inputs[0]!, inputs[1]!, output),
  sub: (_node, inputs, output) => subKernel(inputs[0]!, inputs[1]!, output),
  mul: (_node, inputs, output) => mulKernel(inputs[0]!, inputs[1]!, output),
  div: (_node, inputs, output) => divKernel(inputs[0]!, inputs[1]!, output),
  matMul: (_node, inputs, output) => matMulKernel(inputs[0]!, inputs[1]!, output),
  sigmoid: (_node, inputs, output) => sigmoidKernel(inputs[0]!, output),
  tanh: (_node, inputs, output) => tanhKernel(inputs[0]!, output),
  relu: (_node, inputs, output) => reluKernel(inputs[0]!, output),
  relu6: (_node, inputs, output) => relu6Kernel(inputs[0]!, output),
  softmax: (_node, inputs, output) => softmaxKernel(inputs[0]!, output),
};

/** The kernel of a computed node. */
export function kernelOf(
  node: Exclude<GraphNode, { readonly op: 'input' | 'constant' }>,
  inputs: readonly Value[],
  output: Value,
): Kernel {
  // Each entry gets the node of its own operation; the compiler can't follow the pairing through the table.
  const make = kernels[node.op] as (node: GraphNode, inputs: readonly Value[], output: Value) => Kernel;
  return make(node, inputs, output);
}

function copyKernel(input: Value, output: Value): Kernel {
  const from = input.data;
  const to = output.data;
  return () => to.set(from);
}

function transposeKernel(input: Value, output: Value, order: readonly number[]): Kernel {
  return () => permuteInto(input.data, input.shape, order, output.data);
}

function concatKernel(inputs: readonly Value[], output: Value, axis: number): Kernel {
  const outer = elementCount(output.shape.slice(0, axis));
  const parts = inputs.map((input) => ({ data: input.data, run: input.data.length / outer }));
  const to = output.data;
  return () => {
    let at = 0;
    for (let i = 0; i < outer; i++) {
      for (const { data, run } of parts) {
        to.set(data.subarray(i * run, (i + 1) * run), at);
        at += run;
      }
    }
  };
}

function addKernel(a: Value, b: Value, output: Value): Kernel {
  const [x, y, z, xAt, yAt] = broadcast(a, b, output);
  return () => {
    for (let i = 0; i < z.length; i++) z[i] = x[xAt[i]!]! + y[yAt[i]!]!;
  };
}

function subKernel(a: Value, b: Value, output: Value): Kernel {
  const [x, y, z, xAt, yAt] = broadcast(a, b, output);
  return () => {
    for (let i = 0; i < z.length; i++) z[i] = x[xAt[i]!]! - y[yAt[i]!]!;
  };
}

function mulKernel(a: Value, b: Value, output: Value): Kernel {
  const [x, y, z, xAt, yAt] = broadcast(a, b, output);
  return () => {
    for (let i = 0; i < z.length; i++) z[i] = x[xAt[i]!]! * y[yAt[i]!]!;
  };
}

function divKernel(a: Value, b: Value, output: Value): Kernel {
  const [x, y, z, xAt, yAt] = broadcast(a, b, output);
  return () => {
    for (let i = 0; i < z.length; i++) z[i] = x[xAt[i]!]! / y[yAt[i]!]!;
  };
}

type Broadcast = readonly [Float32Array, Float32Array, Float32Array, Int32Array, Int32Array];

function broadcast(a: Value, b: Value, output: Value): Broadcast {
  return [
    a.data,
    b.data,
    output.data,
    sourceIndex(a.shape, output.shape),
    sourceIndex(b.shape, output.shape),
  ];
}

/** For each element of a broadcast result, the element of one operand that goes into it. */
function sourceIndex(shape: readonly number[], target: readonly number[]): Int32Array {
  const index = new Int32Array(elementCount(target));
  let sourceStride = elementCount(shape);
  let targetStride = index.length;
  for (const [i, extent] of target.entries()) {
    const sourceExtent = shape[i - target.length + shape.length] ?? 1;
    sourceStride /= sourceExtent;
    targetStride /= extent;
    if (sourceExtent === 1) continue;
    for (let at = 0; at < index.length; at++) {
      index[at]! += (Math.floor(at / targetStride) % extent) * sourceStride;
    }
  }
  return index;
}

function matMulKernel(a: Value, b: Value, output: Value): Kernel {
  const [rows, inner] = [a.shape[0]!, a.shape[1]!];
  const columns = b.shape[1]!;
  const from = { data: a.data, start: 0 };
  const to = { data: output.data, start: 0 };
  return () => multiplyRows(from, rows, inner, b.data, columns, to);
}

function sigmoidKernel(input: Value, output: Value): Kernel {
  const [x, z] = [input.data, output.data];
  return () => {
    for (let i = 0; i < z.length; i++) z[i] = 1 / (1 + Math.exp(-x[i]!));
  };
}

function tanhKernel(input: Value, output: Value): Kernel {
  const [x, z] = [input.data, output.data];
  return () => {
    for (let i = 0; i < z.length; i++) z[i] = Math.tanh(x[i]!);
  };
}

function reluKernel(input: Value, output: Value): Kernel {
  const [x, z] = [input.data, output.data];
  return () => {
    for (let i = 0; i < z.length; i++) z[i] = Math.max(x[i]!, 0);
  };
}

function relu6Kernel(input: Value, output: Value): Kernel {
  const [x, z] = [input.data, output.data];
  return () => {
    for (let i = 0; i < z.length; i++) z[i] = Math.min(Math.max(x[i]!, 0), 6);
  };
}

function softmaxKernel(input: Value, output: Value): Kernel {
  const [x, z] = [input.data, output.data];
  const length = input.shape[input.shape.length - 1]!;
  const powers = new Float64Array(length);
  return () => {
    for (let start = 0; start < x.length; start += length) {
      let largest = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < length; i++) largest = Math.max(largest, x[start + i]!);
      let sum = 0;
      for (let i = 0; i < length; i++) {
        // Shifted by the largest, or large inputs would overflow.
        const power = Math.exp(x[start + i]! - largest);
        powers[i] = power;
        sum += power;
      }
      for (let i = 0; i < length; i++) z[start + i] = powers[i]! / sum;
    }
  };
}
