import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithPython } from './python.js';
import { temporaryFolder } from './temporary-folder.js';
import { startTritonServer } from './triton-server.js';

/** A repository with one model, which doubles what it gets, in Python. */
function doublingModel(): string {
  const repository = temporaryFolder();
  mkdirSync(join(repository, 'double', '1'), { recursive: true });
  writeFileSync(
    join(repository, 'double', 'config.pbtxt'),
    `backend: "python"
input [{ name: "x" data_type: TYPE_FP32 dims: [ -1 ] }]
output [{ name: "y" data_type: TYPE_FP32 dims: [ -1 ] }]
`,
  );
  writeFileSync(
    join(repository, 'double', '1', 'model.py'),
    `import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def execute(self, requests):
        return [
            pb_utils.InferenceResponse([
                pb_utils.Tensor("y", pb_utils.get_input_tensor_by_name(request, "x").as_numpy() * 2)
            ])
            for request in requests
        ]
`,
  );
  return repository;
}

await describeWithPython('triton', 'Triton', (python) => {
  it('starts, infers, and comes back on the same ports after a crash', { timeout: 300_000 }, async () => {
    const repository = doublingModel();
    const infer = async (address: string) => {
      const inputs = [{ name: 'x', shape: [2], datatype: 'FP32', data: [1.5, -3] }];
      const response = await fetch(`http://${address}/v2/models/double/infer`, {
        method: 'POST',
        body: JSON.stringify({ inputs }),
      });
      return response.json();
    };
    const triton = await startTritonServer({ python, repository });
    expect(await infer(triton.http)).toMatchObject({ outputs: [{ name: 'y', data: [3, -6] }] });
    expect(await (await fetch(`http://${triton.metrics}/metrics`)).text()).toContain('nv_inference_count');
    await triton.kill();
    await expect(infer(triton.http)).rejects.toThrow('fetch failed');

    const again = await startTritonServer({ python, repository, insteadOf: triton });
    expect(again.http).toBe(triton.http);
    expect(await infer(again.http)).toMatchObject({ outputs: [{ name: 'y', data: [3, -6] }] });
  });

  it('says why it does not start', { timeout: 120_000 }, async () => {
    const repository = temporaryFolder();
    await expect(
      startTritonServer({ python, repository, args: ['--model-control-mode', 'sideways'] }),
    ).rejects.toThrow('invalid argument for --model-control-mode');
  });
});
