// protos/ declares just what the suite uses of formats that belong to others: what
// it declares must be what they declare. The official descriptors come from the
// packages that the formats' owners publish (packages/testing/requirements/tensorflow.in),
// TorchServe's from the definitions in its own archive (requirements/torchserve.in).
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { describeWithPython, runPython, temporaryFolder } from '../packages/testing/dist/index.js';
import { root } from './workspace.mjs';

const buf = join(root, 'packages', 'models', 'node_modules', '.bin', 'buf');
const protos = join(root, 'protos');

/** The folder of TorchServe's definitions, which the others' packages know nothing of. */
const torchServe = 'torchserve';

/** Ways to get a definition wrong, each with what the check must say to it. */
const mistakes = [
  {
    file: 'tensorflow/core/framework/tensor.proto',
    from: /bytes tensor_content = 4;/,
    to: 'bytes tensor_content = 40;',
    says: 'tensorflow.TensorProto.tensor_content has number 40, officially 4',
  },
  {
    file: 'tensorflow/core/framework/tensor_shape.proto',
    from: /int64 size = 1;/,
    to: 'sint64 size = 1;',
    says: 'tensorflow.TensorShapeProto.Dim.size has type TYPE_SINT64, officially TYPE_INT64',
  },
  {
    file: 'tensorflow/core/framework/types.proto',
    from: /DT_FLOAT = 1;/,
    to: 'DT_FLOAT = 100;',
    says: 'tensorflow.DataType.DT_FLOAT is 100, officially 1',
  },
  {
    file: 'inference/grpc_service.proto',
    from: /repeated bytes raw_input_contents = 7;/,
    to: 'bytes raw_input_contents = 7;',
    says: 'inference.ModelInferRequest.raw_input_contents has label LABEL_OPTIONAL, officially LABEL_REPEATED',
  },
  {
    file: 'inference/grpc_service.proto',
    from: /rpc ServerLive\(ServerLiveRequest\) returns \(ServerLiveResponse\)/,
    to: 'rpc ServerLive(ServerLiveRequest) returns (ServerReadyResponse)',
    says: 'inference.GRPCInferenceService.ServerLive has output_type .inference.ServerReadyResponse, officially .inference.ServerLiveResponse',
  },
  {
    file: 'tensorflow_serving/apis/predict.proto',
    from: /message PredictResponse /,
    to: 'message Sidestep {\n  bool left = 1;\n}\n\nmessage PredictResponse ',
    says: 'tensorflow.serving.Sidestep is not declared officially',
  },
  {
    file: 'tensorflow_serving/apis/model.proto',
    from: /message ModelSpec \{/,
    to: 'message ModelSpec {\n  bool newest = 77;\n',
    says: 'tensorflow.serving.ModelSpec.newest is no field of the official message',
  },
];

/** The same of TorchServe's. */
const torchServeMistakes = [
  {
    file: 'torchserve/inference.proto',
    from: /map<string, bytes> input = 3;/,
    to: 'map<string, string> input = 3;',
    says: 'org.pytorch.serve.grpc.inference.PredictionsRequest.InputEntry.value has type TYPE_STRING, officially TYPE_BYTES',
  },
  {
    file: 'torchserve/inference.proto',
    from: /bytes prediction = 1;/,
    to: 'bytes prediction = 7;',
    says: 'org.pytorch.serve.grpc.inference.PredictionResponse.prediction has number 7, officially 1',
  },
];

await describeWithPython('tensorflow', 'protos/', (python) => {
  checks({ python, mistakes, isPart: (name) => !name.startsWith(`${torchServe}/`) });
});

await describeWithPython('torchserve', 'protos/ of TorchServe', (python) => {
  checks({
    ...{ python, mistakes: torchServeMistakes, isPart: (name) => name.startsWith(`${torchServe}/`) },
    official: officialTorchServe,
  });
});

/**
 * Compares a part of protos/.
 *
 * @param isPart tells files of it by their names
 * @param official builds the set of the owner's own definitions. Default: those of the packages in the environment
 */
function checks({ python, mistakes, isPart, official }) {
  /** What the check finds in protos/, and in a copy of it for each mistake. */
  let real;
  let broken;

  beforeAll(async () => {
    const folder = temporaryFolder();
    const sets = [build(part(join(folder, 'real')), join(folder, 'real.binpb'))];
    mistakes.forEach(({ file, from, to }, i) => {
      const copy = part(join(folder, `mistake-${i}`));
      const text = readFileSync(join(copy, file), 'utf8');
      expect(text).toMatch(from);
      writeFileSync(join(copy, file), text.replace(from, to));
      sets.push(build(copy, join(folder, `mistake-${i}.binpb`)));
    });
    const check = [join(root, 'scripts', 'check-protos.py'), ...sets];
    if (official !== undefined) check.push('--official', await official(python, folder));
    const { exitCode, stdout, stderr } = await runPython(python, check);
    expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
    [real, ...broken] = JSON.parse(stdout);
  }, 300_000);

  /** A copy of the part. */
  function part(target) {
    cpSync(protos, target, { recursive: true });
    for (const name of protoFiles(target)) if (!isPart(name)) rmSync(join(target, name));
    return target;
  }

  it('declares nothing that the official descriptors declare differently', () => {
    expect(real.differences).toEqual([]);
  });

  it('is compared as a whole', () => {
    const text = protoFiles(protos)
      .filter(isPart)
      .map((name) => readFileSync(join(protos, name), 'utf8').replaceAll(/\/\/.*$/gm, ''))
      .join('\n');
    // A map's entry is a message, too, though none that the text declares.
    const declared = [...text.matchAll(/^\s*message |map</gm)].length;
    expect(real.messages).toBe(declared);
    expect(real.methods).toBe([...text.matchAll(/^\s*rpc /gm)].length);
    // Whatever else has a number.
    expect(real.fields + real.enumValues).toBe(
      [...text.matchAll(/= -?\d+( \[|;)/g)].length + 2 * [...text.matchAll(/map</g)].length,
    );
  });

  it.each(mistakes.map(({ says }, i) => [says, i]))('would say: %s', (says, i) => {
    expect(broken[i].differences).toEqual([says]);
  });
}

/** TorchServe's definitions lie in the archive of its front end, with those that they import. */
async function officialTorchServe(python, folder) {
  const definitions = join(folder, 'official');
  const program = `import os, ts, zipfile
with zipfile.ZipFile(os.path.join(os.path.dirname(ts.__file__), 'frontend', 'model-server.jar')) as jar:
    for name in ('inference.proto', 'google/rpc/status.proto'):
        jar.extract(name, ${JSON.stringify(definitions)})`;
  const { exitCode, stderr } = await runPython(python, ['-c', program]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return build(definitions, join(folder, 'official.binpb'));
}

function protoFiles(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.proto'));
}

function build(folder, output) {
  const { status, stderr } = spawnSync(buf, ['build', folder, '--output', output], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return output;
}
