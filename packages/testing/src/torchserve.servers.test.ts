import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithServer } from './describe-with-server.js';
import { describeWithPython } from './python.js';
import { temporaryFolder } from './temporary-folder.js';
import { startTorchServe } from './torchserve.js';

/** A model store with one archive, whose handler doubles what it gets, with PyTorch. */
function doublingModel(python: string): string {
  const modelStore = temporaryFolder();
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'MAR-INF'));
  const model = { modelName: 'double', modelVersion: '1.0', handler: 'handler.py' };
  writeFileSync(join(folder, 'MAR-INF', 'MANIFEST.json'), JSON.stringify({ runtime: 'python', model }));
  writeFileSync(
    join(folder, 'handler.py'),
    `import torch

def handle(requests, context):
    if requests is not None:
        return [(torch.tensor(request["body"]["x"]) * 2).tolist() for request in requests]
`,
  );
  const archive = join(modelStore, 'double.mar');
  execFileSync(python, ['-m', 'zipfile', '--create', archive, 'MAR-INF', 'handler.py'], { cwd: folder });
  return modelStore;
}

await describeWithPython('torchserve', 'TorchServe', (python) => {
  describeWithServer('java', 'on Java', () => {
    it('starts, infers, and comes back on the same ports after a crash', { timeout: 300_000 }, async () => {
      const modelStore = doublingModel(python);
      const infer = async (address: string) => {
        const response = await fetch(`http://${address}/predictions/double`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"x":[1.5,-3]}',
        });
        return response.json();
      };
      const torchServe = await startTorchServe({ python, modelStore, models: ['all'] });
      await expect.poll(() => infer(torchServe.inference), { timeout: 60_000 }).toEqual([3, -6]);
      const metrics = await (await fetch(`http://${torchServe.metrics}/metrics`)).text();
      expect(metrics).toMatch(/ts_inference_requests_total\{model_name="double",.*\} 1\.0/);
      expect(torchServe.log()).toContain('Torch worker started');
      expect(torchServe.tokens).toBeUndefined();
      await torchServe.kill();
      await expect(infer(torchServe.inference)).rejects.toThrow('fetch failed');

      const again = await startTorchServe({ python, modelStore, models: ['all'], insteadOf: torchServe });
      expect(again.inference).toBe(torchServe.inference);
      await expect.poll(() => infer(again.inference), { timeout: 60_000 }).toEqual([3, -6]);
    });

    it('asks for tokens where it is told to', { timeout: 120_000 }, async () => {
      const torchServe = await startTorchServe({ python, modelStore: temporaryFolder(), tokenAuth: true });
      const list = async (headers: Record<string, string>) =>
        (await fetch(`http://${torchServe.management}/models`, { headers })).status;
      expect(await list({})).toBe(400);
      expect(await list({ authorization: `Bearer ${torchServe.tokens!.management}` })).toBe(200);
    });

    it('says why it does not start', { timeout: 120_000 }, async () => {
      const modelStore = join(temporaryFolder(), 'none');
      await expect(startTorchServe({ python, modelStore })).rejects.toThrow('directory not found');
    });
  });
});
