import { type Command, firstKey, noKeys } from '../command.js';
import { ReplyError } from '../reply-error.js';

/** Why scripts are refused, here and inside a DAG. */
export const scriptsNotSupported = 'ERR aibench-reference-server does not support scripts (AI.SCRIPT*)';

function refuse(): never {
  throw new ReplyError(scriptsNotSupported);
}

const shared = { arity: -2, flags: ['write', 'module'], keys: firstKey, group: 'module' } as const;

/** Scripts: refused, since TorchScript needs libtorch. */
export const scriptCommands: readonly Command[] = [
  ...['scriptset', 'scriptstore', 'scriptget', 'scriptdel', 'scriptrun', 'scriptexecute'].map(
    (name): Command => ({
      ...shared,
      name: `ai.${name}`,
      summary: 'Not supported',
      run: refuse,
    }),
  ),
  {
    ...{ ...shared, name: 'ai._scriptscan', arity: 1, flags: ['readonly', 'module'], keys: noKeys },
    summary: 'Lists the scripts: none',
    run: ({ reply }) => reply.array(0),
  },
];
