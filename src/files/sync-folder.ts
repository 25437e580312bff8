import { open } from 'node:fs/promises';

/** fsync of a folder, which makes new names in it durable. Windows has none. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
