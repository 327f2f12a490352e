import { describe, expect, it } from 'vitest';
import { GraphBuilder } from './graph-builder.js';
import { modelFormatOf } from './model-format.js';
import { writeGraphDef } from './write-graph-def.js';
import { writeOnnx } from './write-onnx.js';
import { writeSavedModel } from './write-saved-model.js';

describe('modelFormatOf', () => {
  const builder = new GraphBuilder();
  const graph = builder.build('model', [builder.apply('relu', 'out', [builder.input('x', [1])])]);

  it('tells the formats apart', () => {
    expect(modelFormatOf(writeOnnx(graph))).toBe('onnx');
    expect(modelFormatOf(writeGraphDef(graph))).toBe('graphdef');
    expect(modelFormatOf(writeSavedModel(graph))).toBe('savedmodel');
  });

  it('takes anything else for ONNX', () => {
    for (const bytes of [new Uint8Array(), Buffer.from('PK'), Uint8Array.of(0x08)]) {
      expect(modelFormatOf(bytes)).toBe('onnx');
    }
  });
});
