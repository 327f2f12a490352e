import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serverAddresses } from './server-addresses.js';

function places(hosts: readonly string[], ports: readonly string[]): string[] {
  return serverAddresses({ hosts, ports, tls: {} }).map(({ host, port }) => `${host} ${port}`);
}

describe('serverAddresses', () => {
  it('pairs hosts and ports', () => {
    expect(places(['a', 'b'], ['1', '2'])).toEqual(['a 1', 'b 2']);
    expect(places(['a', 'b'], ['7000'])).toEqual(['a 7000', 'b 7000']);
    expect(places(['a'], ['1', '2', '3'])).toEqual(['a 1', 'a 2', 'a 3']);
  });

  it('leaves a host alone that names its own port or is a URL', () => {
    expect(places(['a:1', 'redis://b:2', 'redis://c', '[::1]:4', 'e', '::1'], ['5'])).toEqual([
      'a 1',
      'b 2',
      'c 6379',
      '::1 4',
      'e 5',
      '::1 5',
    ]);
  });

  it('takes login, database and TLS from a URL', () => {
    const [first] = serverAddresses({
      hosts: ['rediss://user:p%40ss@h:1/3'],
      ports: ['6379'],
      tls: { insecure: true },
    });
    expect(first).toEqual({
      ...{ host: 'h', port: 1, username: 'user', password: 'p@ss', database: 3 },
      tls: { insecure: true },
    });
  });

  it('gives as many addresses as the longer list, or refuses', () => {
    const names = (prefix: string) =>
      fc.integer({ min: 0, max: 5 }).map((n) => Array.from({ length: n }, (_, i) => `${prefix}${i + 1}`));
    fc.assert(
      fc.property(names('host'), names(''), (hosts, ports) => {
        const fits =
          hosts.length > 0 &&
          ports.length > 0 &&
          (hosts.length === ports.length || Math.min(hosts.length, ports.length) === 1);
        if (fits) expect(places(hosts, ports)).toHaveLength(Math.max(hosts.length, ports.length));
        else expect(() => places(hosts, ports)).toThrow('do not pair up');
      }),
    );
  });

  it.each(['0', '65536', 'x', '-1', '1.5', ''])('refuses the port %j', (port) => {
    expect(() => places(['a'], [port])).toThrow('is no port');
  });
});
