import { AibenchError } from '@aibench/core';
import { type GrpcAddress, parseGrpcAddress } from '@aibench/grpc';
import { tlsChoice } from '@aibench/reference-store';
import type { TfServingFlags } from './flags.js';

/** The flag that names the servers, for hints. */
export const hostFlag = '--tensorflow-serving-host';

const defaultPort = 8_500;
const defaultMetricsPort = 8_501;
const defaultMetricsPath = '/monitoring/prometheus/metrics';

/**
 * Where the servers are.
 *
 * @throws AIBENCH_USAGE
 */
export function serverAddresses(values: TfServingFlags): readonly [GrpcAddress, ...GrpcAddress[]] {
  const options = { flag: hostFlag, defaultPort, tls: tlsChoice(values) };
  const [first, ...others] = values.tensorflowServingHost.map((text) => parseGrpcAddress(text, options));
  if (first !== undefined) return [first, ...others];
  throw new AibenchError('AIBENCH_USAGE', 'no TensorFlow Serving is given', { hint: `see ${hostFlag}` });
}

/**
 * Where the servers' metrics are, in the order of the servers; empty where none are wanted.
 *
 * @throws AIBENCH_USAGE
 */
export function metricsUrls(values: TfServingFlags): readonly URL[] {
  const { metricsHost, tensorflowServingHost } = values;
  if (metricsHost.length > 0 && metricsHost.length !== tensorflowServingHost.length) {
    throw new AibenchError(
      'AIBENCH_USAGE',
      `${metricsHost.length} metrics ports and ${tensorflowServingHost.length} servers do not pair up`,
      { hint: `give --metrics-host one entry for each of ${hostFlag}` },
    );
  }
  return metricsHost.map(metricsUrl);
}

function metricsUrl(text: string): URL {
  const [, scheme = 'http://', place = '', path] = /^(https?:\/\/)?([^/]+)(\/.*)?$/i.exec(text) ?? [];
  const hasPort = /:\d+$/.test(place) && !place.endsWith(']');
  const host = place.startsWith(':') ? `localhost${place}` : place;
  const port = hasPort ? '' : `:${defaultMetricsPort}`;
  const whole = `${scheme}${host}${port}${path === undefined || path === '/' ? defaultMetricsPath : path}`;
  if (!URL.canParse(whole)) {
    throw new AibenchError('AIBENCH_USAGE', `"${text}" is no address of metrics`, {
      hint: '--metrics-host: an address is written host:port or http://host:port/path',
    });
  }
  return new URL(whole);
}
