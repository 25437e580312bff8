import { defineConfig } from 'vitest/config';

export default defineConfig({
  // graphql must be one module: Node resolves it to index.js, Vite alone would take index.mjs
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/watch-stalls.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 60_000,
    // waits for what will come; how soon is the machine's affair
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 2,
    reporters: ['default'],
  },
});
