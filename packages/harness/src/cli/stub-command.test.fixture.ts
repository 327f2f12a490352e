import { AibenchError } from '@aibench/core';
import { flag } from './flags.js';
import { writeStdout } from './output.js';
import { runCli } from './run-cli.js';

// A binary that ends in the way that it is told to.
await runCli({
  name: 'stub-command',
  summary: 'Ends as it is told to',
  packageUrl: import.meta.url,
  flags: { end: flag.string({ default: '', describe: 'How to end' }) },
  async run({ flags, signal, stdout, stderr }): Promise<number> {
    switch (flags.end) {
      case 'code':
        return 7;
      case 'usage':
        throw new AibenchError('AIBENCH_USAGE', 'this makes no sense');
      case 'input':
        throw new AibenchError('AIBENCH_INPUT', 'no such\nfile', { hint: 'see --file' });
      case 'bug':
        throw new TypeError('a bug', { cause: new Error('underneath') });
      case 'stray-throw':
        setImmediate(() => {
          throw new TypeError('a stray bug');
        });
        return new Promise(() => undefined);
      case 'stray-rejection':
        void Promise.reject(new TypeError('a stray bug'));
        return new Promise(() => undefined);
      case 'open-handle':
        setInterval(() => undefined, 1_000);
        stdout.write('done\n');
        return 0;
      case 'flood':
        for (;;) await writeStdout('x'.repeat(100_000));
      case 'flood-unheeded':
        for (let i = 0; i < 100; i++) stdout.write('x'.repeat(100_000));
        return 0;
      case 'wait':
        stderr.write('waiting\n');
        setInterval(() => undefined, 1_000);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        stderr.write('tidied up\n');
        return 0;
      case 'wait-and-fail':
        stderr.write('waiting\n');
        setInterval(() => undefined, 1_000);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        throw signal.reason;
      case 'wait-for-ever':
        stderr.write('waiting\n');
        setInterval(() => undefined, 1_000);
        signal.addEventListener('abort', () => stderr.write('unmoved\n'));
        await new Promise(() => undefined);
        return 0;
      default:
        return 0;
    }
  },
});
