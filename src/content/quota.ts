import type { ContentKey } from '../oci/content-source.ts';
import { TidemarkError } from '../oci/error.ts';

/** The bytes that a folder of blobs may have, counted in this process. */
export interface Quota {
  /** @param what For the message: what has so many bytes. */
  check(what: string, moreBytes: number): void;
  /** Runs a push with its size set aside; refuses before the first byte (fault 53). */
  charge<T>(descriptor: ContentKey, replacedBytes: number, push: () => Promise<T>): Promise<T>;
  release(bytes: number): void;
  /** Sets bytes aside that are on the disk already. */
  add(bytes: number): void;
}

/** @throws TidemarkError `STORAGE_QUOTA`, from `check` and `charge`. */
export function createQuota(quotaBytes: number, storedAtOpen: number): Quota {
  let usedBytes = storedAtOpen;
  const check: Quota['check'] = (what, moreBytes) => {
    if (usedBytes + moreBytes <= quotaBytes) return;
    throw new TidemarkError(
      'STORAGE_QUOTA',
      `${what} has ${moreBytes} bytes, and ${usedBytes} of the blob store's quota of ${quotaBytes} are used or set aside; ` +
        'nothing more is stored. Raise the quota, or remove versions and collect what is unreferenced.',
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
    release(bytes) {
      usedBytes -= bytes;
    },
  };
}
