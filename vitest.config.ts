import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

export default defineConfig({
  // graphql must be one module: Node resolves it to index.js, Vite alone would take index.mjs
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/servers/global-setup.ts'],
    setupFiles: ['test/support/watch/watch-stalls.ts'],
    // long enough for a machine that ten other processes keep busy: a limit ends what hangs, and measures nothing
    testTimeout: 240_000,
    hookTimeout: 240_000,
    teardownTimeout: 60_000,
    expect: { poll: { timeout: 200_000 } },
    // a third on two cores: many files wait for timers, other processes and disks
    maxWorkers: 3,
    maxConcurrency: 10,
    sequence: { sequencer: LongestFirst },
    // a file's own modules are loaded once; database, folder, task queue and ports are a file's own anyway. `--isolate` runs each file apart
    isolate: false,
    reporters: ['default'],
  },
});
