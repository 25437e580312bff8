/** `npm run faults -- --count 10000 [--seed N]`: random single faults of an upstream (test/faults/single-faults.test.ts). */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { become, prepare, root } from './prepare.mjs';

const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } });
process.env.FAULT_RUNS = values.count ?? '10000';
if (values.seed !== undefined) process.env.FAULT_SEED = values.seed;
const { node } = await prepare();
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
await become(node, [vitest, 'run', 'test/faults/single-faults.test.ts']);
