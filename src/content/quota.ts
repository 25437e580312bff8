import type { ContentKey } from '../oci/content-source.ts';
import { TidemarkError } from '../oci/error.ts';

/** The limit on the bytes of a blob folder, counted in this process. */
export interface Quota {
  /** @param what The subject of the message: what has so many bytes. @throws TidemarkError `STORAGE_QUOTA` */
  check(what: string, moreBytes: number): void;
  /** Runs a push with its size reserved; throws `STORAGE_QUOTA` before the first byte (fault 53). */
  charge<T>(descriptor: ContentKey, replacedBytes: number, push: () => Promise<T>): Promise<T>;
  /** Counts bytes that are on the disk already; a negative number frees them. */
  add(bytes: number): void;
}

export function createQuota(quotaBytes: number, storedAtOpen: number): Quota {
  let usedBytes = storedAtOpen;
  const check: Quota['check'] = (what, moreBytes) => {
    if (usedBytes + moreBytes <= quotaBytes) return;
    throw new TidemarkError(
      'STORAGE_QUOTA',
      `${what} has ${moreBytes} bytes, but ${usedBytes} of the blob store's quota of ${quotaBytes} bytes are used or reserved. ` +
        'Raise the quota, or remove versions and run a garbage collection.',
      { origin: 'server' },
    );
  };
  return {
    check,
    async charge({ digest, size }, replacedBytes, push) {
      const moreBytes = size - replacedBytes;
      check(digest, moreBytes);
      usedBytes += moreBytes;
      try {
        return await push();
      } catch (error) {
        usedBytes -= moreBytes;
        throw error;
      }
    },
    add(bytes) {
      usedBytes += bytes;
    },
  };
}
