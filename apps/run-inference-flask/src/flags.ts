import { type FlagSet, type FlagValues, flag } from '@aibench/harness/cli';
import { bearerTokenVariable, httpImplementations } from '@aibench/http';
import { storeFlags } from '@aibench/reference-store';

const server = 'Server';
const inference = 'Inference';

/** The flags of this runner: those of the Go suite's with its defaults, and ours. */
export const flags = {
  'restapi-host': flag.list({
    default: ['127.0.0.1:8000'],
    placeholder: 'host:port,..',
    describe:
      'Flask services that the workers are spread over in turn: host:port, http://host:port or, for TLS, https://host:port',
    group: server,
  }),
  'restapi-request-uri': flag.string({
    default: '/v2/predict',
    placeholder: 'path',
    describe: 'Path that inferences are sent to',
    group: server,
  }),
  'restapi-read-timeout': flag.duration({
    default: '5s',
    describe:
      'Longest wait for an answer; the shorter one of this and --request-timeout counts; 0s leaves it to that one',
    group: server,
  }),
  'ready-timeout': flag.duration({
    default: '30s',
    describe: 'Longest wait, before the load starts, for a service that is still starting',
    group: server,
  }),
  ...storeFlags,
  model: flag.string({
    default: '',
    placeholder: 'name',
    describe: "Name of the model; without it, the inputs' names tell the service which",
    group: inference,
  }),
  body: flag.choice(['auto', 'multipart', 'json'], {
    default: 'auto',
    describe:
      'How tensors are sent: as raw bytes in a form, or as numbers in JSON; auto is json for a path of /v1/predict, otherwise multipart',
    group: inference,
  }),
  header: flag.texts({
    placeholder: "'Name: value'",
    describe: 'Header of every request; may be given several times',
    group: inference,
  }),
  'bearer-token': flag.string({
    default: '',
    placeholder: 'token',
    describe: `Login of every request, sent as a bearer token; better in the environment variable ${bearerTokenVariable}, since a command line can be read by others`,
    group: inference,
  }),
  'http-client': flag.choice(httpImplementations, {
    default: 'own',
    describe: "What carries the requests: the suite's own client, or undici as a cross-check",
    group: inference,
  }),
} as const satisfies FlagSet;

/** Their values. */
export type FlaskFlags = FlagValues<typeof flags>;
