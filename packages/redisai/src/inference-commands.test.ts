import type { CommandTemplate } from '@aibench/redis';
import { ReplyScanner, type ScannedReply } from '@aibench/redis';
import { loadUseCase } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import { dagCommand, ownKeys, rowKeys, separateCommands, type TensorTask } from './inference-commands.js';

const fraud = await loadUseCase('creditcard-fraud');
const transaction = new Uint8Array(120).map((_, i) => i);

/** A command's arguments; a blob is shown by its size. */
function args(template: CommandTemplate, id: number, blobs: readonly Uint8Array[] = []): string {
  let found: ScannedReply = null;
  new ReplyScanner((reply) => {
    found = reply;
  }).push(template.encode(id, blobs));
  return (found as unknown as Buffer[])
    .map((arg) => (blobs.some((blob) => arg.equals(blob)) ? `<${arg.length}>` : arg.toString()))
    .join(' ');
}

describe('dagCommand', () => {
  it.each([
    [
      'run',
      true,
      'AI.DAGRUN LOAD 1 referenceTensor:{17} |> AI.TENSORSET transactionTensor:{17} FLOAT 1 30 BLOB <120> ' +
        '|> AI.MODELRUN m INPUTS transactionTensor:{17} referenceTensor:{17} OUTPUTS classificationTensor:{17} ' +
        '|> AI.TENSORGET classificationTensor:{17} BLOB',
    ],
    [
      'run',
      false,
      'AI.DAGRUN |> AI.TENSORSET transactionTensor:{17} FLOAT 1 30 BLOB <120> ' +
        '|> AI.MODELRUN m INPUTS transactionTensor:{17} OUTPUTS classificationTensor:{17} ' +
        '|> AI.TENSORGET classificationTensor:{17} BLOB',
    ],
    [
      'execute',
      true,
      'AI.DAGEXECUTE LOAD 1 referenceTensor:{17} |> AI.TENSORSET transactionTensor:{17} FLOAT 1 30 BLOB <120> ' +
        '|> AI.MODELEXECUTE m INPUTS 2 transactionTensor:{17} referenceTensor:{17} OUTPUTS 1 classificationTensor:{17} ' +
        '|> AI.TENSORGET classificationTensor:{17} BLOB',
    ],
    [
      'execute',
      false,
      'AI.DAGEXECUTE ROUTING m |> AI.TENSORSET transactionTensor:{17} FLOAT 1 30 BLOB <120> ' +
        '|> AI.MODELEXECUTE m INPUTS 1 transactionTensor:{17} OUTPUTS 1 classificationTensor:{17} ' +
        '|> AI.TENSORGET classificationTensor:{17} BLOB',
    ],
  ] as const)(
    'is the command of the %s family, with reference data: %s',
    (family, withReference, expected) => {
      const template = dagCommand(fraud.task({ withReference }), { family, model: 'm', keys: rowKeys });
      expect(args(template, 17, [transaction])).toBe(expected);
    },
  );

  it.each([
    ['run', 'AI.DAGRUN PERSIST 1 classificationTensor:{w3} '],
    ['execute', 'AI.DAGEXECUTE PERSIST 1 classificationTensor:{w3} '],
  ] as const)('keeps its outputs under keys of the asker where they are to stay: %s', (family, head) => {
    const task = fraud.task({ withReference: false });
    const template = dagCommand(task, { family, model: 'm', keys: ownKeys('{w3}'), persist: true });
    const text = args(template, 17, [transaction]);
    expect(text.startsWith(`${head}|> AI.TENSORSET transactionTensor:{w3} `)).toBe(true);
    expect(text.endsWith('|> AI.TENSORGET classificationTensor:{w3} BLOB')).toBe(true);
  });

  it('takes several tensors, of any type and shape', () => {
    const task: TensorTask = {
      inputs: [
        { name: 'image', dtype: 'uint8', shape: [2, 4, 4, 3], keyPrefix: 'imageTensor' },
        { name: 'size', dtype: 'int64', shape: [2], keyPrefix: 'sizeTensor' },
      ],
      references: [],
      outputs: [
        { name: 'a', dtype: 'float32', shape: [2], keyPrefix: 'aTensor' },
        { name: 'b', dtype: 'int64', shape: [2], keyPrefix: 'bTensor' },
      ],
    };
    const template = dagCommand(task, { family: 'execute', model: 'net', keys: rowKeys });
    expect(args(template, 3, [new Uint8Array(96), new Uint8Array(16)])).toBe(
      'AI.DAGEXECUTE ROUTING net |> AI.TENSORSET imageTensor:{3} UINT8 2 4 4 3 BLOB <96> ' +
        '|> AI.TENSORSET sizeTensor:{3} INT64 2 BLOB <16> ' +
        '|> AI.MODELEXECUTE net INPUTS 2 imageTensor:{3} sizeTensor:{3} OUTPUTS 2 aTensor:{3} bTensor:{3} ' +
        '|> AI.TENSORGET aTensor:{3} BLOB |> AI.TENSORGET bTensor:{3} BLOB',
    );
  });

  it('refuses a type that RedisAI lacks', () => {
    const input = { name: 'id', dtype: 'uint64', shape: [1], keyPrefix: 'id' } as const;
    const task: TensorTask = { inputs: [input], references: [], outputs: [] };
    expect(() => dagCommand(task, { family: 'run', model: 'm', keys: rowKeys })).toThrow('uint64');
  });
});

describe('separateCommands', () => {
  it('sets, runs and gets under keys of the asker, with the row only in the reference', () => {
    const task = fraud.task({ withReference: true });
    const commands = separateCommands(task, { family: 'execute', model: 'm', owner: '{w3}' });
    expect(commands.sets.map((set) => args(set, 17, [transaction]))).toEqual([
      'AI.TENSORSET transactionTensor:{w3} FLOAT 1 30 BLOB <120>',
    ]);
    expect(args(commands.run, 17)).toBe(
      'AI.MODELEXECUTE m INPUTS 2 transactionTensor:{w3} referenceTensor:{17} OUTPUTS 1 classificationTensor:{w3}',
    );
    expect(commands.gets.map((get) => args(get, 17))).toEqual([
      'AI.TENSORGET classificationTensor:{w3} BLOB',
    ]);
    expect(commands.ownKeys).toEqual(['transactionTensor:{w3}', 'classificationTensor:{w3}']);
  });

  it('uses the older names without counts', () => {
    const task = fraud.task({ withReference: false });
    const { run } = separateCommands(task, { family: 'run', model: 'm', owner: 'x' });
    expect(args(run, 1)).toBe('AI.MODELRUN m INPUTS transactionTensor:x OUTPUTS classificationTensor:x');
  });
});
