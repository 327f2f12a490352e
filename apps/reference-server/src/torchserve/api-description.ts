import type { RegisteredVersion } from './registered-version.js';

const operations = {
  inference: {
    '/': { options: 'This description.' },
    '/ping': { get: 'Whether the server takes requests.' },
    '/predictions/{model_name}': { post: 'An inference on the default version of a model.' },
    '/predictions/{model_name}/{model_version}': { post: 'An inference on one version of a model.' },
  },
  management: {
    '/': { options: 'This description.' },
    '/models': { get: 'The models that are registered.', post: 'Registers an archive of the model store.' },
    '/models/{model_name}': {
      get: 'Describes the default version of a model.',
      put: 'Changes the number of its workers.',
      delete: 'Drops it.',
    },
    '/models/{model_name}/{model_version}': {
      get: 'Describes one version of a model; with "all", all of them.',
      put: 'Changes the number of its workers.',
      delete: 'Drops it.',
    },
    '/models/{model_name}/{model_version}/set-default': { put: 'Makes it the default version.' },
  },
} as const;

/** What a port answers, in the form of OpenAPI 3.0. */
export function apiDescription(port: keyof typeof operations, engineName: string): unknown {
  const [title, version] = engineName.split('/');
  return openApi(title!, version!, operations[port]);
}

/** What a model takes and gives, in the same form. */
export function modelApiDescription(name: string, { archive }: RegisteredVersion): unknown {
  return openApi(name, archive.version, {
    [`/predictions/${name}`]: { post: `An inference on ${name}.` },
  });
}

function openApi(
  title: string,
  version: string,
  paths: Readonly<Record<string, Readonly<Record<string, string>>>>,
): unknown {
  return {
    openapi: '3.0.1',
    info: { title, version },
    paths: Object.fromEntries(
      Object.entries(paths).map(([path, methods]) => [
        path,
        Object.fromEntries(
          Object.entries(methods).map(([method, description]) => [
            method,
            { description, responses: { 200: { description: 'The answer.' } } },
          ]),
        ),
      ]),
    ),
  };
}
