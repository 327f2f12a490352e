import { float32Tensor } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { evaluate } from './compile-graph.js';
import { SavedModel } from './gen/tensorflow/core/protobuf/saved_model.js';
import type { Graph } from './graph.js';
import { GraphBuilder } from './graph-builder.js';
import { readSavedModel } from './read-saved-model.js';
import { writeGraphDef } from './write-graph-def.js';
import { writeSavedModel } from './write-saved-model.js';

function exampleGraph(): Graph {
  const graph = new GraphBuilder();
  const sum = graph.apply('add', 'sum', [graph.input('a', [-1, 3]), graph.input('b', [3])]);
  return graph.build('example', [graph.apply('relu', 'positive', [sum]), sum]);
}

/** What was written, changed. */
function changed(change: (model: SavedModel) => void): Uint8Array {
  const model = SavedModel.decode(writeSavedModel(exampleGraph()));
  change(model);
  return SavedModel.encode(model).finish();
}

describe('a SavedModel', () => {
  it('is read as it was written', () => {
    const { graph, inputs, outputs } = readSavedModel(writeSavedModel(exampleGraph()), { name: 'example' });
    expect(graph).toEqual(exampleGraph());
    expect(inputs).toEqual(['a', 'b'].map((name) => ({ name, node: name })));
    expect(outputs).toEqual(['positive', 'sum'].map((name) => ({ name, node: name })));
    const values = [float32Tensor('a', [2, 3], [1, -2, 3, 4, 5, -6]), float32Tensor('b', [3], [1, 1, 1])];
    expect(evaluate(graph, values)).toEqual(evaluate(exampleGraph(), values));
  });

  it('has the tag and the signature that servers look for', () => {
    const { metaGraphs, savedModelSchemaVersion } = SavedModel.decode(writeSavedModel(exampleGraph()));
    expect(savedModelSchemaVersion).toBe(1);
    expect(metaGraphs.map(({ metaInfoDef }) => metaInfoDef?.tags)).toEqual([['serve']]);
    const { inputs, outputs, methodName } = metaGraphs[0]!.signatureDef['serving_default']!;
    expect(methodName).toBe('tensorflow/serving/predict');
    expect(inputs['a']).toMatchObject({
      encoding: { value: 'a:0' },
      dtype: 1,
      tensorShape: { dim: [{ size: -1 }, { size: 3 }] },
    });
    expect(Object.keys(outputs)).toEqual(['positive', 'sum']);
  });

  it('is the same bytes each time', () => {
    expect(writeSavedModel(exampleGraph())).toEqual(writeSavedModel(exampleGraph()));
  });

  it('may name its tensors otherwise than its nodes', () => {
    const bytes = changed(({ metaGraphs }) => {
      const signature = metaGraphs[0]!.signatureDef['serving_default']!;
      signature.inputs = { first: signature.inputs['b']!, second: signature.inputs['a']! };
    });
    const { graph, inputs } = readSavedModel(bytes);
    expect(inputs).toEqual([
      { name: 'first', node: 'b' },
      { name: 'second', node: 'a' },
    ]);
    expect(graph.inputs.map(({ name }) => name)).toEqual(['b', 'a']);
  });

  it.each([
    ['nothing', new Uint8Array(), 'the bytes are no SavedModel'],
    ['a frozen graph', writeGraphDef(exampleGraph()), 'the bytes are no SavedModel'],
    ['noise', Uint8Array.of(0xff, 0xff, 0xff), 'the bytes are no SavedModel'],
    [
      'one for training',
      changed(({ metaGraphs }) => metaGraphs[0]!.metaInfoDef!.tags.splice(0, 1, 'train', 'gpu')),
      'the SavedModel has no graph tagged serve, but {train, gpu}',
    ],
    [
      'one with another signature',
      changed(({ metaGraphs }) => {
        const [metaGraph] = metaGraphs;
        metaGraph!.signatureDef = { classify: metaGraph!.signatureDef['serving_default']! };
      }),
      'the SavedModel has no signature serving_default, but classify',
    ],
    [
      'one without signatures',
      changed(({ metaGraphs }) => {
        metaGraphs[0]!.signatureDef = {};
      }),
      'the SavedModel has no signature serving_default, but none',
    ],
    [
      'one whose signature names a second output',
      changed(({ metaGraphs }) => {
        const { inputs } = metaGraphs[0]!.signatureDef['serving_default']!;
        inputs['a']!.encoding = { $case: 'name', value: 'a:1' };
      }),
      'the signature\'s a is "a:1", which is no node\'s output 0',
    ],
  ])('is refused where it is %s', (_what, bytes, message) => {
    expect(() => readSavedModel(bytes)).toThrow(message);
  });
});
