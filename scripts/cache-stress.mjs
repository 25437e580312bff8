/** `npm run cache-stress`: ten minutes of random pulls through a full cache (test/on-demand/eviction.test.ts). */
import { join } from 'node:path';
import { become, prepare, root } from './prepare.mjs';

process.env.TIDEMARK_CACHE_STRESS_SECONDS ??= '600';
const { node } = await prepare();
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
await become(node, [vitest, 'run', 'test/on-demand/eviction.test.ts']);
