import { defaultValues } from '@aibench/harness/cli';
import { describe, expect, it } from 'vitest';
import { flags, type TorchServeFlags } from './flags.js';
import { serverPlaces } from './server-addresses.js';

function places(given: Partial<TorchServeFlags>) {
  return serverPlaces({ ...defaultValues(flags), ...given }).map(({ address, management, metrics }) => [
    address,
    management && `${management.http.origin}${management.isGiven ? '' : ' perhaps'}`,
    metrics && `${metrics.http.origin}${metrics.path}`,
  ]);
}

describe('serverPlaces', () => {
  it.each<[Partial<TorchServeFlags>, unknown]>([
    [{}, [['127.0.0.1:8080', 'http://127.0.0.1:8081 perhaps', undefined]]],
    [
      { torchserveHost: ['a', 'b:1'] },
      [
        ['a:8080', 'http://a:8081 perhaps', undefined],
        ['b:1', undefined, undefined],
      ],
    ],
    [{ torchserveHost: ['https://[::1]'] }, [['[::1]:8080', 'https://[::1]:8081 perhaps', undefined]]],
    [{ protocol: 'grpc' }, [['127.0.0.1:7070', 'http://127.0.0.1:8081 perhaps', undefined]]],
    [
      { protocol: 'grpc', torchserveGrpcHost: ['grpcs://[::1]'] },
      [['[::1]:7070', 'https://[::1]:8081 perhaps', undefined]],
    ],
    [
      {
        torchserveHost: ['a', 'b'],
        torchserveManagementHost: ['a:1', 'https://c'],
        torchserveMetricsHost: ['a', 'http://b:3/own/metrics'],
      },
      [
        ['a:8080', 'http://a:1', 'http://a:8082/metrics'],
        ['b:8080', 'https://c:8081', 'http://b:3/own/metrics'],
      ],
    ],
  ])('reads %j', (given, expected) => {
    expect(places(given)).toEqual(expected);
  });
});
