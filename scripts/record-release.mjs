/**
 * Keeps a database of the version in package.json, with its blobs and the checksums of the migrations, in test/upgrades/releases. Run it when a
 * version is released, after its last change of a table: `npm run record-release`. From then on, no migration of the folder may change.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const { status } = spawnSync(
  process.execPath,
  [fileURLToPath(new URL('test.mjs', import.meta.url)), 'test/upgrades/upgrade.test.ts'],
  {
    stdio: 'inherit',
    env: { ...process.env, RECORD_RELEASE: '1' },
  },
);
process.exitCode = status ?? 1;
