/** `npm run cache-stress`: ten minutes of random pulls through a full cache, and as many through a proxy whose cache is full. */
import { join } from 'node:path';
import { become, prepare, root } from './prepare.mjs';

process.env.TIDEMARK_CACHE_STRESS_SECONDS ??= '600';
const { node } = await prepare();
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const tests = ['eviction', 'proxy-caches'].map((name) => `test/on-demand/${name}.test.ts`);
await become(node, [vitest, 'run', ...tests]);
