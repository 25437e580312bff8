import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { postgresFolder } from '../config.ts';
import { systemCode } from '../content/storage-error.ts';

const ours = ['', 'blobs', 'blobs/sha256', 'blobs/sha512', 'partial', 'uploads'];

/**
 * Restricts the data folder to its user: mode 0700, also if an older version or a person widened it. If PostgreSQL's files belong to
 * another user, because root cannot run it, that user needs access: 0711. New files get their mode when they are created, and from the
 * process's umask.
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
      // The root of a volume belongs to another user in some clusters.
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
