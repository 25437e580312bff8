import { readFile } from 'node:fs/promises';
import { usage } from '../usage.ts';

export async function readPem(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw usage(`The file ${path} cannot be read. Expected a PEM file.`, error);
  });
}
