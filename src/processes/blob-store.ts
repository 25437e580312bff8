import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { openFolderStore } from '../content/folder/folder-store.ts';
import type { BlobStore } from '../content/store.ts';
import type { Database } from '../db/open-database.ts';
import { shareQuota } from './share-quota.ts';
import type { Stopper } from './stopper.ts';

/** A partial file or multipart upload that was idle for this long is abandoned. */
const staleMs = 24 * 60 * 60 * 1000;
const sweepEveryMs = 60 * 60 * 1000;

/**
 * Opens the configured store, counts its quota together with the other processes, and removes leftovers of interrupted attempts regularly
 * (faults 112, 114).
 */
export async function openBlobStore(
  config: Config,
  database: Database,
  { logger, stopper }: { readonly logger: Logger; readonly stopper: Stopper },
): Promise<BlobStore> {
  const store = await open(config, stopper);
  if (store.quota !== undefined) {
    const sharing = shareQuota(database, store.quota, logger);
    stopper.add('the account of storage', () => sharing.stop());
  }
  const sweep = (): void =>
    void store
      .sweepPartials({ olderThanMs: staleMs })
      .catch((error: unknown) => logger.warn({ err: error }, 'could not remove stale partial files'));
  const timer = setInterval(sweep, sweepEveryMs);
  stopper.add('the sweep of partial files', () => Promise.resolve(clearInterval(timer)));
  sweep();
  return store;
}

async function open(config: Config, stopper: Stopper): Promise<BlobStore> {
  const { dataDir: root, blobs: location, storageQuotaBytes: quotaBytes } = config;
  if (location === undefined)
    return openFolderStore({ root, ...(quotaBytes === undefined ? {} : { quotaBytes }) });
  // AWS's library is loaded only when needed.
  const { openS3Store } = await import('../content/s3/s3-store.ts');
  const store = await openS3Store({ location, root });
  stopper.add('the connections to S3', () => Promise.resolve(store.close()));
  return store;
}
