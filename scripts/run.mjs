/**
 * `npm start` and its kin: prepares, then becomes the program. Without arguments the program is `tidemark start`;
 * `--script scripts/x.mjs …` runs that script instead.
 */
import module from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { become, prepare, root } from './prepare.mjs';

const given = process.argv.slice(2);
const isScript = given[0] === '--script' && given[1] !== undefined;
const program = isScript ? resolve(root, given[1]) : join(root, 'dist', 'main.js');
const args = isScript ? given.slice(2) : given.length > 0 ? given : ['start'];

const { node, inThisProcess } = await prepare();
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'node-compile');
if (inThisProcess) {
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  process.argv = [process.execPath, program, ...args];
  await import(pathToFileURL(program).href);
} else {
  await become(node, [program, ...args]);
}
