import { describe, expect, it } from 'vitest';
import { ModelProto } from './gen/onnx/onnx.js';
import { GraphBuilder } from './graph-builder.js';
import { writeOnnx } from './write-onnx.js';

describe('writeOnnx', () => {
  const graph = new GraphBuilder();
  graph.input('x', [-1, 2]);
  graph.constant('w', [2, 3], [1, 2, 3, 4, 5, 6]);
  graph.apply('matMul', 'product', ['x', 'w']);
  const bytes = writeOnnx(graph.build('tiny', [graph.apply('softmax', 'out', ['product'])]));

  it('states format, operators and producer', () => {
    const model = ModelProto.decode(bytes);
    expect(model).toMatchObject({ irVersion: 7, producerName: 'aibench' });
    expect(model.opsetImport).toEqual([{ domain: '', version: 13 }]);
    expect(model.graph?.name).toBe('tiny');
    expect(model.graph?.node.map((node) => node.opType)).toEqual(['MatMul', 'Softmax']);
  });

  it('names the batch and fixes the other extents', () => {
    const [input] = ModelProto.decode(bytes).graph!.input;
    expect(input?.type?.value?.value.shape?.dim).toEqual([
      { value: { $case: 'dimParam', value: 'batch' } },
      { value: { $case: 'dimValue', value: 2 } },
    ]);
  });

  it('starts as the wire format says: field 1, varint, 7; field 2, seven bytes of text', () => {
    expect([...bytes.subarray(0, 4)]).toEqual([0x08, 7, 0x12, 7]);
    expect(Buffer.from(bytes.subarray(4, 11)).toString()).toBe('aibench');
  });
});
