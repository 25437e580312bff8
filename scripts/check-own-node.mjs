/** Runs the built program on the machine's own Node, which may be too old for it. Nothing but Node's own modules. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [major] = process.versions.node.split('.').map(Number);
console.log(`This machine's own Node is ${process.version}.`);

function run(folder) {
  return spawnSync(process.execPath, [join(folder, 'dist', 'main.js'), '--version'], { encoding: 'utf8' });
}

function expect(isRight, what, { status, stdout, stderr }) {
  if (isRight) return console.log(`ok: ${what}`);
  console.error(`${what}, but: exit code ${status}\n${stdout}${stderr}`);
  process.exit(1);
}

const own = run(root);
expect(own.status === 0 && own.stdout.trim() === version, `dist/main.js --version says ${version}`, own);

if (major >= 24) {
  console.log('It is new enough for the program: what an older one is told was not tried.');
} else {
  const bare = mkdtempSync(join(tmpdir(), 'tidemark-node-'));
  try {
    for (const name of ['dist', 'package.json'])
      cpSync(join(root, name), join(bare, name), { recursive: true });
    const told = run(bare);
    expect(
      told.status === 1 && /^NODE_TOO_OLD: Tidemark needs Node 24\.\d+ or newer; .*npm ci/.test(told.stderr),
      'without a newer Node beside it, it says what to do and ends with 1',
      told,
    );
  } finally {
    rmSync(bare, { recursive: true, force: true });
  }
}
