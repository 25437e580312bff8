/** `npm test`: prepares, then runs every test; arguments go to vitest (`npm test -- test/oci`). */
import { join } from 'node:path';
import { become, prepare, root } from './prepare.mjs';

const { node } = await prepare();
await become(node, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...process.argv.slice(2)]);
