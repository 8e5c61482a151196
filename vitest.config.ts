import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';

// Without 'import': Node would then answer `require` with modules too.
const sources = ['atelier-source', 'node'];
const onSources = { resolve: { conditions: sources }, ssr: { resolve: { conditions: sources } } };
const exclude = ['**/node_modules/**', '**/dist/**'];
const parity = ['server/test/parity/**/*.test.ts'];
const e2e = ['server/test/**/*.e2e.test.ts', 'server/test/end-to-end/**/*.test.ts'];
const setup = ['server/test/bootstrap/**/*.test.ts'];

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        ...onSources,
        test: {
          name: 'unit',
          include: ['server/{contract,engine,src}/**/*.test.ts', 'bench/**/*.test.ts', ...setup],
          exclude: [...exclude, ...parity],
          testTimeout: 60_000,
        },
      },
      {
        root: 'client',
        plugins: [svelte(), svelteTesting()],
        resolve: { conditions: ['atelier-source', 'browser', 'import', 'default'] },
        test: {
          name: 'client',
          include: ['src/**/*.test.ts'],
          exclude,
          environment: 'jsdom',
          testTimeout: 30_000,
        },
      },
      {
        ...onSources,
        // Real server processes that are killed and restarted: what the server promises.
        test: {
          name: 'contract',
          include: ['server/test/**/*.test.ts'],
          exclude: [...exclude, ...parity, ...e2e, ...setup],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...onSources,
        // The engine against reference numbers.
        test: { name: 'parity', include: parity, exclude, testTimeout: 120_000, hookTimeout: 120_000 },
      },
      {
        ...onSources,
        // A built server, a real browser: one file after the other, so that step times mean something.
        test: {
          name: 'e2e',
          include: e2e,
          exclude,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
