import type { ContentKey, ContentSource } from '../oci/content-source.ts';

export interface PushOptions {
  readonly signal?: AbortSignal;
  /** Told after bytes were written: how many of this blob are on disk now, from 0 to its size, resumed ones included. */
  readonly onProgress?: (bytesDone: number) => void;
}

export interface PushResult {
  /** Bytes that were read from the source; less than the size where a partial file was resumed. */
  readonly fetchedBytes: number;
}

export interface ContentStore extends ContentSource {
  /** Whether the content is stored whole (present with the descriptor's size). */
  exists(descriptor: Pick<ContentKey, 'digest' | 'size'>): Promise<boolean>;
  /**
   * Takes content in from a source: written under a temporary name while hashed, size and digest checked, fsync, rename,
   * fsync of the folder; only then is it addressable. A partial file of an earlier attempt is hashed again and resumed.
   * @throws TidemarkError `SIZE_MISMATCH`, `DIGEST_MISMATCH`, `UPSTREAM_TRUNCATED`, `STORAGE_FULL`, or what the source threw.
   */
  push(descriptor: ContentKey, source: ContentSource, options?: PushOptions): Promise<PushResult>;
  /**
   * Refuses so many more bytes at once where they cannot fit, before the first is fetched (FAULTS row 53). Absent where there is no limit.
   * @throws TidemarkError `STORAGE_QUOTA`
   */
  readonly checkRoom?: (moreBytes: number) => void;
}

export interface ContentDeleter {
  /** Removes stored content; nothing happens when it is not there. */
  delete(descriptor: Pick<ContentKey, 'digest'>): Promise<void>;
}
