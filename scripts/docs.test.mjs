// Every relative link in the documentation leads to a file, and the page of
// decisions lists each of them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { updateFlagTables } from './generate-docs.mjs';
import { root } from './workspace.mjs';

function markdownFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return /^(node_modules|dist|\.|bin$)/.test(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

const files = markdownFiles(root);

describe('documentation', () => {
  it('is there', () => {
    expect(files.map((path) => relative(root, path))).toEqual(
      expect.arrayContaining(['README.md', 'docs/results.md']),
    );
  });

  it.each(files.map((path) => relative(root, path)))('%s has no dead link', (name) => {
    const text = readFileSync(join(root, name), 'utf8').replaceAll(/```.*?```/gs, '');
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
    const dead = links
      .filter((link) => !/^(https?:|#)/.test(link))
      .filter((link) => !existsSync(join(root, dirname(name), link.replace(/#.*$/, ''))));
    expect(dead).toEqual([]);
  });

  it('lists every decision', () => {
    const index = readFileSync(join(root, 'docs/decisions/README.md'), 'utf8');
    const pages = readdirSync(join(root, 'docs/decisions')).filter((name) => /^\d{3}-/.test(name));
    expect(pages.length).toBeGreaterThan(0);
    expect(pages.filter((page) => !index.includes(`(${page})`))).toEqual([]);
  });

  it('has flag tables that are those of the binaries', async () => {
    expect(await updateFlagTables({ check: true })).toEqual([]);
  });
});
