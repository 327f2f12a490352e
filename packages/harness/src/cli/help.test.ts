import { describe, expect, it } from 'vitest';
import { loadFlags } from '../engine/load-flags.js';
import { flag } from './flags.js';
import { helpText } from './help.js';

const command = { name: 'tool', summary: 'does it', examples: ['tool --workers 2 | cat'], version: '1.0.0' };
const flags = {
  workers: flag.integer({ default: 8, describe: 'Concurrent requests', group: 'Load', aliases: ['w'] }),
  'ignore-errors': flag.boolean({ default: false, describe: 'Go on', group: 'Load' }),
  'set-blob': flag.boolean({ default: true, describe: 'Write blobs' }),
  file: flag.string({ default: '', describe: 'Data file', placeholder: 'path' }),
};

describe('helpText', () => {
  it('shows every flag under its heading, with its value, meaning and default', () => {
    expect(helpText(flags, command, 100)).toBe(`tool: does it

Usage: tool [flags]

Load:
  --workers, -w <n>  Concurrent requests (default 8)
  --ignore-errors    Go on

Flags:
  --set-blob         Write blobs (default true)
  --file <path>      Data file

Other:
  --help             Print this help
  --version          Print the version

Examples:
  tool --workers 2 | cat`);
  });

  it('leaves the examples out where there are none', () => {
    expect(helpText(flags, { ...command, examples: [] }, 100)).not.toContain('Examples');
  });

  it.each([60, 80, 100])('keeps to %i columns, and loses no word', (columns) => {
    const text = helpText(loadFlags, { ...command, examples: [] }, columns);
    const tooLong = text.split('\n').filter((line) => line.length > Math.max(columns, 38 + 4 + 30));
    // Only a name that has no room beside its description is longer.
    expect(tooLong.every((line) => /^ {2}--\S+( <\S+>)?$/.test(line))).toBe(true);
    const words = text.replaceAll(/\s+/g, ' ');
    for (const [name, { describe: sentence, defaultText }] of Object.entries(loadFlags)) {
      expect(words).toContain(`--${name}`);
      expect(words).toContain(sentence);
      if (defaultText !== '' && defaultText !== 'false') expect(words).toContain(`(default ${defaultText})`);
    }
  });
});
