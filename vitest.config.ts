import { configDefaults, defineConfig } from 'vitest/config';

// `x.test.ts` needs nothing but Node; `x.servers.test.ts` needs real servers
// and runs with `npm run test:servers`.
const serverTests = '{apps,packages,benchmarks,docs,scripts}/**/*.servers.test.{ts,mjs}';

export default defineConfig({
  test: {
    include:
      process.env['AIBENCH_TEST_SERVERS'] === '1'
        ? [serverTests]
        : ['{apps,packages,benchmarks,docs,scripts}/**/*.test.{ts,mjs}'],
    exclude: [
      ...configDefaults.exclude,
      '**/dist/**',
      ...(process.env['AIBENCH_TEST_SERVERS'] === '1' ? [] : ['**/*.servers.test.{ts,mjs}']),
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Many tests start servers and load them; side by side they would starve one another.
    fileParallelism: false,
  },
});
