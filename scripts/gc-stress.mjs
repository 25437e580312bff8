/** `npm run gc-stress`: two minutes of clean-ups under pushes, syncs and pulls (test/faults/collection-stress.test.ts). */
import { join } from 'node:path';
import { become, prepare, root } from './prepare.mjs';

process.env.TIDEMARK_GC_STRESS_SECONDS ??= '120';
const { node } = await prepare();
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
await become(node, [vitest, 'run', 'test/faults/collection-stress.test.ts']);
