import type { ContentKey } from '../oci/content-source.ts';
import { TidemarkError } from '../oci/error.ts';

/** The limit on the bytes of a blob folder. It knows what this process does, and what the processes together use as of the last `learn`. */
export interface Quota {
  /** @param what The subject of the message: what has so many bytes. @throws TidemarkError `STORAGE_QUOTA` */
  check(what: string, moreBytes: number): void;
  /** Runs a push with its size reserved; throws `STORAGE_QUOTA` before the first byte (fault 53). */
  charge<T>(descriptor: ContentKey, replacedBytes: number, push: () => Promise<T>): Promise<T>;
  /** For bytes whose number is not known before they are there. */
  reserve(): Reservation;
  /** Counts bytes that are on the disk already; a negative number frees them. */
  add(bytes: number): void;
  /** Counts bytes that were on the disk before this process began. */
  found(bytes: number): void;
  /** The bytes of pushes and uploads that run in this process. */
  readonly reservedBytes: number;
  /** Takes what all processes together use. @param asOf The time by `performance.now` when that was asked for. */
  learn(usedBytes: number, asOf: number): void;
}

export interface Reservation {
  /** @throws TidemarkError `STORAGE_QUOTA` if they do not fit */
  more(what: string, bytes: number): void;
  /** @param bytes Those that stay on the disk. Default: all that were reserved. */
  end(bytes?: number): void;
}

/** So long after their end, pushes and uploads are in the figure that `learn` takes. */
const knownAfterMs = 2_000;

interface Account {
  readonly usedBytes: number;
  add(bytes: number): void;
  found(bytes: number): void;
  learn: Quota['learn'];
}

/** The bytes on the disk: as last learned, and what this process has added since. */
function openAccount(storedAtOpen: number): Account {
  let sharedBytes = storedAtOpen;
  let added: { readonly at: number; readonly bytes: number }[] = [];
  let addedBytes = 0;
  return {
    get usedBytes() {
      return sharedBytes + addedBytes;
    },
    add(bytes) {
      if (bytes === 0) return;
      addedBytes += bytes;
      added.push({ at: performance.now(), bytes });
    },
    found(bytes) {
      sharedBytes += bytes;
    },
    learn(usedBytes, asOf) {
      sharedBytes = usedBytes;
      added = added.filter(({ at }) => at > asOf - knownAfterMs);
      addedBytes = added.reduce((sum, { bytes }) => sum + bytes, 0);
    },
  };
}

export function createQuota(quotaBytes: number, storedAtOpen: number): Quota {
  const account = openAccount(storedAtOpen);
  let reservedBytes = 0;

  const check: Quota['check'] = (what, moreBytes) => {
    const usedBytes = account.usedBytes + reservedBytes;
    if (usedBytes + moreBytes <= quotaBytes) return;
    throw new TidemarkError(
      'STORAGE_QUOTA',
      `${what} has ${moreBytes} bytes, but ${usedBytes} of the blob store's quota of ${quotaBytes} bytes are used or reserved. ` +
        'Raise the quota, or remove versions and run a garbage collection.',
      { origin: 'server' },
    );
  };
  const reserve = (): Reservation => {
    let own = 0;
    return {
      more(what, bytes) {
        check(what, bytes);
        own += bytes;
        reservedBytes += bytes;
      },
      end(bytes = own) {
        reservedBytes -= own;
        own = 0;
        account.add(bytes);
      },
    };
  };
  return {
    check,
    reserve,
    async charge({ digest, size }, replacedBytes, push) {
      const reservation = reserve();
      reservation.more(digest, size - replacedBytes);
      let storedBytes = 0;
      try {
        const result = await push();
        storedBytes = size - replacedBytes;
        return result;
      } finally {
        reservation.end(storedBytes);
      }
    },
    add: (bytes) => account.add(bytes),
    found: (bytes) => account.found(bytes),
    learn: (usedBytes, asOf) => account.learn(usedBytes, asOf),
    get reservedBytes() {
      return reservedBytes;
    },
  };
}
