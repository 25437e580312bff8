import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { postgresFolder } from '../config.ts';
import { systemCode } from '../content/storage-error.ts';

const ours = ['', 'blobs', 'blobs/sha256', 'blobs/sha512', 'partial', 'uploads'];

/**
 * Closes the data folder to other users of this machine: 0700, also where an older version or a person made it wider. Where PostgreSQL's
 * files in it belong to another user, because root cannot run it, that user passes through: 0711. What is stored later gets its mode where
 * it is made, and the process's umask.
 */
export async function closeDataFolder(dataDir: string, logger: Logger): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  for (const name of ours) {
    const path = join(dataDir, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    const mode = name === '' && (await hasForeignDatabase(dataDir)) ? 0o711 : 0o700;
    if ((found.mode & 0o077 & ~mode) === 0) continue;
    try {
      await chmod(path, mode);
    } catch (error) {
      // a volume whose root belongs to somebody else, as in some clusters
      if (systemCode(error) !== 'EPERM' && systemCode(error) !== 'EROFS') throw error;
      logger.warn(
        { path },
        'other users of this machine may read the data folder: it belongs to another user',
      );
    }
  }
}

async function hasForeignDatabase(dataDir: string): Promise<boolean> {
  const found = await stat(postgresFolder(dataDir)).catch(() => undefined);
  return found !== undefined && found.uid !== process.getuid?.();
}
