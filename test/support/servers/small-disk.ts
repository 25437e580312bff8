/** File systems of a few MiB, to be filled or made read-only; root on Linux is needed. */
import { execFile } from 'node:child_process';
import { open, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Mounts a disk in memory; answers why not where none can be mounted. */
export async function mountMemoryDisk(folder: string, sizeMib: number): Promise<string | undefined> {
  return attempt(() => run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m,mode=755`, 'tmpfs', folder]));
}

/** Mounts an ext4 in a file beside the folder, with blocks of 1 KiB: a folder's names need blocks there, too. */
export async function mountFileDisk(folder: string, sizeMib: number): Promise<string | undefined> {
  const image = `${folder}.img`;
  return attempt(async () => {
    const file = await open(image, 'w');
    await file.truncate(sizeMib * 1024 * 1024);
    await file.close();
    // no index: names fill a folder's blocks one after the other; no journal, no reserve: all space is files'
    await run('mkfs.ext4', ['-q', '-b', '1024', '-O', '^dir_index,^has_journal', '-m', '0', image]);
    await run('mount', ['-o', 'loop', image, folder]);
  });
}

export async function remountDisk(folder: string, how: 'ro' | 'rw'): Promise<void> {
  await run('mount', ['-o', `remount,${how}`, folder]);
}

export async function unmountDisk(folder: string): Promise<void> {
  await run('umount', [folder]);
  await rm(`${folder}.img`, { force: true });
}

/** Takes all space but `leave` bytes. */
export async function fillDisk(folder: string, leave: number): Promise<{ free(): Promise<void> }> {
  const { bavail, bsize } = await statfs(folder);
  const filler = join(folder, 'filler');
  await writeFile(filler, Buffer.alloc(bavail * bsize - leave));
  return { free: () => rm(filler) };
}

async function attempt(mount: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await mount();
    return undefined;
  } catch (error) {
    return `no file system can be mounted here (root on Linux is needed): ${String(error).split('\n')[1] ?? String(error)}`;
  }
}
