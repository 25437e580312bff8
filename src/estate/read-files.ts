import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FileMistakes } from './file-mistake.ts';

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const fileMaxBytes = 10 * 1024 * 1024;
const filesMax = 1_000;

/**
 * The files that are named, and those of the folders that are named (`*.yaml`, `*.yml`), in the order of their names.
 * @throws FileMistakes
 */
export async function readFiles(paths: readonly string[]): Promise<SourceFile[]> {
  const files = (await Promise.all(paths.map(listFiles))).flat();
  if (files.length > filesMax)
    throw wrong(paths.join(', '), `there are ${files.length} files; at most ${filesMax} are read.`);
  return Promise.all(files.map(async (path) => ({ path, text: await readText(path) })));
}

async function listFiles(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw wrong(path, error.code === 'ENOENT' ? 'there is no such file or folder.' : error.message);
  });
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter(
    (name) => /\.ya?ml$/.test(name) && !basename(name).startsWith('.'),
  );
  if (names.length === 0) throw wrong(path, 'the folder has no file named *.yaml or *.yml.');
  return names.toSorted().map((name) => join(path, name));
}

async function readText(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > fileMaxBytes) throw wrong(path, `the file has ${size} bytes; at most ${fileMaxBytes} are read.`);
  return readFile(path, 'utf8');
}

function wrong(path: string, message: string): FileMistakes {
  return new FileMistakes([{ place: path, message }]);
}
