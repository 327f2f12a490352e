import { describeWithServer, makeTlsCertificate, redisCli, startRedis } from '@aibench/testing';
import { expect, it } from 'vitest';
import { openBulkWriter } from './bulk-writer.js';
import { commandTemplate } from './command-template.js';
import { describeRedis } from './describe-redis.js';
import { parseRedisAddress, parseRedisAddresses } from './redis-address.js';
import { connectRedisCluster } from './redis-cluster-client.js';
import { connectRedis } from './redis-connection.js';
import { connectReferenceReader } from './reference-reader.js';

const set = commandTemplate(['SET', { key: (id) => `k:{${id}}` }, { blob: 1024 }]);
const exists = commandTemplate(['EXISTS', { key: (id) => `k:{${id}}` }]);
const blob = new Uint8Array(1024).fill(0x0d);

describeWithServer(['redis-server', 'redis-cli'], 'a real Redis', () => {
  it('describes itself', async () => {
    const redis = await startRedis();
    const connection = await connectRedis(parseRedisAddress(redis.address));
    const description = await describeRedis(connection);
    expect(description).toEqual({
      product: expect.stringMatching(/^(Redis|Valkey)$/),
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      redisVersion: expect.stringMatching(/^\d+\.\d+\.\d+/),
      isReference: false,
      clusterEnabled: false,
      modules: [],
      aiCommands: undefined,
    });
    await connection.close();
  });

  it('takes user, password and database from the address', async () => {
    const redis = await startRedis([
      '--requirepass',
      'p@ss',
      '--user',
      'bench',
      'on',
      '>s3cret',
      '~*',
      '+@all',
    ]);
    const addresses = parseRedisAddresses([`redis://bench:s3cret@${redis.address}/7`]);
    const connection = await connectRedis(addresses[0]);
    expect(String(await connection.call('ACL', 'WHOAMI'))).toBe('bench');
    await connection.call('SET', 'a', 'in seven');
    const defaultUser = await connectRedis(parseRedisAddress(`redis://:p%40ss@${redis.address}/7`));
    expect(String(await defaultUser.call('GET', 'a'))).toBe('in seven');

    const writer = await openBulkWriter(addresses);
    await writer.add(set, 1, [blob]);
    await writer.flush();
    expect(await defaultUser.call('EXISTS', 'k:{1}')).toBe(1);
    await Promise.all([connection.close(), defaultUser.close(), writer.close()]);
  });

  it.each(['', ':wrong@', 'nobody:wrong@'])('refuses the login "%s"', async (login) => {
    const redis = await startRedis(['--requirepass', 'secret']);
    const addresses = parseRedisAddresses([`redis://${login}${redis.address}`]);
    const refused = {
      code: 'AIBENCH_SERVER',
      message: expect.stringMatching(/^127.0.0.1:\d+ refuses the login: (NOAUTH|WRONGPASS)/),
    };
    await expect(connectRedis(addresses[0])).rejects.toMatchObject(refused);
    await expect(openBulkWriter(addresses)).rejects.toMatchObject(refused);
  });

  it('refuses a database that is not there', async () => {
    const redis = await startRedis();
    const addresses = parseRedisAddresses([`redis://${redis.address}/99`]);
    const refused = { code: 'AIBENCH_SERVER', message: expect.stringContaining('DB index is out of range') };
    await expect(connectRedis(addresses[0])).rejects.toMatchObject(refused);
    await expect(openBulkWriter(addresses)).rejects.toMatchObject(refused);
  });

  it('is read by the reference reader', async () => {
    const redis = await startRedis();
    await redisCli(redis.address, 'SET', 'referenceBLOB:{5}', 'data');
    await redisCli(redis.address, 'RPUSH', 'list', 'x');
    const reader = await connectReferenceReader(parseRedisAddresses([redis.address]));
    expect(String(await reader.fetch('referenceBLOB:{5}'))).toBe('data');
    await expect(reader.fetch('referenceBLOB:{6}')).rejects.toMatchObject({
      code: 'AIBENCH_MISSING_KEY',
      message: `Redis at ${redis.address} has no key referenceBLOB:{6}`,
      hint: expect.stringContaining('aibench-load-data'),
    });
    await expect(reader.fetch('list')).rejects.toMatchObject({
      code: 'AIBENCH_SERVER',
      message: expect.stringContaining('WRONGTYPE'),
    });
    // Caught at once: it may fail while the server is still being waited for.
    const waiting = reader.fetch('referenceBLOB:{5}').catch(() => {});
    await redis.stop();
    await waiting;
    await expect(reader.fetch('referenceBLOB:{5}')).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
  });

  it('is filled in bulk, and says how much it holds', async () => {
    const redis = await startRedis();
    const writer = await openBulkWriter(parseRedisAddresses([redis.address]), {
      connections: 3,
      pipeline: 50,
    });
    for (let id = 995; id < 11_005; id++) await writer.add(set, id, [blob]);
    await writer.flush();
    expect(writer.totals).toMatchObject({ added: 10_010, confirmed: 10_010, refused: 0 });
    expect(await redisCli(redis.address, 'DBSIZE')).toBe('10010');
    expect(await redisCli(redis.address, 'STRLEN', 'k:{11004}')).toBe('1024');
    for (let id = 0; id < 1_000; id++) await writer.add(exists, id, []);
    await writer.flush();
    expect(writer.totals.integerSum).toBe(5);
    await writer.close();
  });

  it('refuses writes beyond its memory limit, with its own words', async () => {
    const redis = await startRedis(['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction']);
    const writer = await openBulkWriter(parseRedisAddresses([redis.address]));
    for (let id = 0; id < 4_000; id++) await writer.add(set, id, [blob]);
    await writer.flush();
    const { confirmed, refused } = writer.totals;
    expect(confirmed + refused).toBe(4_000);
    expect(await redisCli(redis.address, 'DBSIZE')).toBe(String(confirmed));
    expect(writer.refusals[0]).toMatchObject({ key: expect.stringMatching(/^k:\{\d+\}$/), text: /^OOM/ });
    await writer.close();
  });

  it('is missed when it is killed', async () => {
    const redis = await startRedis();
    const writer = await openBulkWriter(parseRedisAddresses([redis.address]), { pipeline: 20 });
    const fill = async () => {
      for (let id = 0; ; id++) {
        await writer.add(set, id, [blob]);
        if (id === 5_000) void redis.stop();
      }
    };
    await expect(fill()).rejects.toMatchObject({
      code: 'AIBENCH_CONNECTION',
      message: expect.stringMatching(/was lost; \d+ of \d+ commands were confirmed$/),
    });
    await writer.close();
  });

  it('is told apart from a cluster', async () => {
    const redis = await startRedis();
    await expect(connectRedisCluster(parseRedisAddresses([redis.address]))).rejects.toMatchObject({
      code: 'AIBENCH_SERVER',
      message: `${redis.address} is no node of a Redis Cluster`,
      hint: 'leave out --cluster-mode',
    });
  });
});

describeWithServer(['redis-server', 'redis-cli', 'openssl'], 'a real Redis with TLS', () => {
  it('is reached by connections and bulk writers that trust it', async () => {
    const { certificatePath, keyPath } = await makeTlsCertificate();
    const redis = await startRedis([
      ...['--port', '0', '--tls-port', 'auto', '--tls-auth-clients', 'no'],
      ...[
        '--tls-cert-file',
        certificatePath,
        '--tls-key-file',
        keyPath,
        '--tls-ca-cert-file',
        certificatePath,
      ],
    ]);
    const trusted = parseRedisAddresses([`rediss://${redis.address}`], { tls: { caPath: certificatePath } });
    const insecure = parseRedisAddress(`rediss://${redis.address}`, { tls: { insecure: true } });
    const writer = await openBulkWriter(trusted);
    for (let id = 0; id < 500; id++) await writer.add(set, id, [blob]);
    await writer.flush();
    const connection = await connectRedis(insecure);
    expect(await connection.call('DBSIZE')).toBe(500);
    await Promise.all([writer.close(), connection.close()]);

    const untrusted = {
      code: 'AIBENCH_CONNECTION',
      message: expect.stringContaining('a certificate that is not trusted'),
      hint: expect.stringContaining('--tls-ca'),
    };
    const unknown = parseRedisAddresses([`rediss://${redis.address}`]);
    await expect(connectRedis(unknown[0])).rejects.toMatchObject(untrusted);
    await expect(openBulkWriter(unknown)).rejects.toMatchObject(untrusted);
    const plain = parseRedisAddress(redis.address);
    await expect(connectRedis(plain)).rejects.toMatchObject({ hint: expect.stringContaining('rediss://') });
  });
});
