import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import type { ClientFile } from '../../client-config/client-configuration.ts';
import { usage } from '../usage.ts';

/**
 * Writes the files below a folder. Nothing is written if one of them exists with another content, unless forced.
 * @returns the paths of the files.
 */
export async function writeClientFiles(
  folder: string,
  files: readonly ClientFile[],
  { force }: { readonly force: boolean },
): Promise<string[]> {
  const placed = files.map(({ path, content }) => ({ path: placeBelow(folder, path), content }));
  const differing: string[] = [];
  for (const { path, content } of placed) {
    const present = await readPresent(path);
    if (present !== undefined && present !== content) differing.push(path);
  }
  if (differing.length > 0 && !force)
    throw usage(
      `${differing.join(', ')} ${differing.length === 1 ? 'exists and differs' : 'exist and differ'}; nothing was written. ` +
        'Compare with the printed files, and replace with --force, or merge by hand.',
    );
  for (const { path, content } of placed) {
    await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => refuse(path, error));
    await writeFile(path, content).catch((error: unknown) => refuse(path, error));
  }
  return placed.map(({ path }) => path);
}

/** A server does not choose where this machine is written to. */
function placeBelow(folder: string, path: string): string {
  const root = resolve(folder);
  const placed = resolve(root, `.${sep}${path}`);
  if (placed.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) return placed;
  throw usage(`The server named the file ${JSON.stringify(path)}, which is outside of ${folder}.`);
}

async function readPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    return refuse(path, error);
  }
}

function refuse(path: string, error: unknown): never {
  throw usage(
    `--output: ${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
    error,
  );
}
