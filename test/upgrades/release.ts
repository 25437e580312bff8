/** What the folder of a release has, and how it is written and read. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listSources, projectRoot } from '../support/import-graph.ts';

export interface Release {
  /** The database, as SQL. */
  readonly database: string;
  /** The stored blobs, in base64. */
  readonly blobs: Readonly<Record<string, string>>;
  /** The digests of the bodies that `/v2/` serves at these paths. */
  readonly pulls: Readonly<Record<string, string>>;
  /** What the query of upgrade.test.ts answers. */
  readonly answer: unknown;
  /** The checksums of the migrations, which never change from the release on. */
  readonly migrations: Readonly<Record<string, string>>;
}

const folder = fileURLToPath(new URL('releases', import.meta.url));

export async function listReleases(): Promise<string[]> {
  return (await readdir(folder)).sort();
}

export async function readRelease(version: string): Promise<Release> {
  const [database = '', rest = ''] = await Promise.all(
    ['database.sql', 'release.json'].map((name) => readFile(join(folder, version, name), 'utf8')),
  );
  return { ...(JSON.parse(rest) as Omit<Release, 'database'>), database };
}

export async function writeRelease(version: string, { database, ...rest }: Release): Promise<void> {
  await mkdir(join(folder, version), { recursive: true });
  await writeFile(join(folder, version, 'database.sql'), database);
  await writeFile(join(folder, version, 'release.json'), `${JSON.stringify(rest, null, 2)}\n`);
}

/** Of the files as they are now, by their names: those of a release move into a folder of its own. */
export async function readChecksums(): Promise<Record<string, string>> {
  const checksums = await Promise.all(
    listSources('src/db/migrations').map(async (path) => [
      basename(path),
      createHash('sha256')
        .update(await readFile(join(projectRoot, path)))
        .digest('hex'),
    ]),
  );
  return Object.fromEntries(checksums) as Record<string, string>;
}
