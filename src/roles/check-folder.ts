import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Rejects while a folder cannot be written: read-only, full, gone (FAULTS 113). */
export async function checkFolder(folder: string): Promise<void> {
  const probe = join(folder, 'partial', `.probe-${process.pid}`);
  await writeFile(probe, 'probe\n');
  // another look at the same time may have taken it away, also of another container with the same process id
  await rm(probe, { force: true });
}
