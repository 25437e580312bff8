import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compressAssets } from './compress-assets.ts';
import { withoutInlineFonts } from './inline-fonts.ts';

/** The server that the development server sends requests to. */
const server = process.env['TIDEMARK_SERVER'] ?? 'http://127.0.0.1:4000';
const paths = ['graphql', 'session', 'v2', 'healthz', 'readyz', 'metrics'];

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), withoutInlineFonts(), compressAssets()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // The Content-Security-Policy allows no data: addresses, and hashed files are cached anyway.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // Monaco, which only GraphiQL loads.
    chunkSizeWarningLimit: 5_000,
    rolldownOptions: {
      input: ['index.html', 'graphiql.html'].map((page) => `${import.meta.dirname}/${page}`),
      onLog: (level, log, handle) => {
        // Directives of React's compiler, which mean nothing to a bundle.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
  server: {
    proxy: Object.fromEntries(paths.map((path) => [`^/${path}(/|$|\\?)`, { target: server }])),
  },
  preview: {
    proxy: Object.fromEntries(paths.map((path) => [`^/${path}(/|$|\\?)`, { target: server }])),
  },
});
