/** `npm run fuzz`: parsers of untrusted text under generated inputs (test/fuzz/run.ts); `-- --minutes 30 --seed 7 --target head`. */
import { join } from 'node:path';
import { become, prepare, root } from './prepare.mjs';

const { node } = await prepare();
await become(node, [join(root, 'test', 'fuzz', 'run.ts'), ...process.argv.slice(2)]);
