import type { ContentKey, ContentSource } from '../oci/content-source.ts';
import type { Digest } from '../oci/digest.ts';
import type { Quota } from './quota.ts';

export interface PushOptions {
  readonly signal?: AbortSignal;
  /**
   * Told after bytes were written: how many of this blob are on disk now, from 0 to its size, and how many of these were not read from the
   * source: resumed, or stored already.
   */
  readonly onProgress?: (bytesDone: number, resumedBytes: number) => void;
  /**
   * Whom the content is fetched for, as `[a-z0-9]+`, where what is stored or was begun for others must not show: it is taken from the
   * source whole, though it be stored, resumed only from what was begun for the same, and stored once all the same. Absent: what is
   * stored is not fetched.
   */
  readonly apart?: string;
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
   * Refuses so many more bytes at once where they cannot fit, before the first is fetched (fault 53). Absent where there is no limit.
   * @throws TidemarkError `STORAGE_QUOTA`
   */
  readonly checkRoom?: (moreBytes: number) => void;
  /** Where bytes that are no blobs yet are charged. Absent where there is no limit. */
  readonly quota?: Quota;
}

export interface ContentDeleter {
  /** Removes stored content; nothing happens when it is not there. */
  delete(descriptor: Pick<ContentKey, 'digest'>): Promise<void>;
}

/** What is known of stored content without reading it. */
export interface StoredContent {
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

export interface SweepResult {
  readonly removedFiles: number;
  readonly removedBytes: number;
}

/** Where a server keeps its blobs: a folder, or a bucket of S3. */
export interface BlobStore extends ContentStore, ContentDeleter {
  /**
   * Takes a file of the data folder over as a blob; it is gone from its place then. The caller has verified its size and digest and
   * waited for the disk. It replaces a blob that is there: a push repairs what was damaged (fault 84).
   * @throws TidemarkError `STORAGE_QUOTA`, `STORAGE_UNAVAILABLE`, `STORAGE_FULL`
   */
  adopt(descriptor: ContentKey, path: string): Promise<void>;
  /**
   * Removes what attempts that broke off have left and nothing has touched for `olderThanMs` (faults 112, 114). That of pushes that run
   * in this process stays; for those of other processes choose an age beyond their longest pause, a day say.
   */
  sweepPartials(options: { readonly olderThanMs: number }): Promise<SweepResult>;
  /** All that is stored, in no order; what comes or goes meanwhile may be missing. Clean-up looks for what nobody knows of. */
  list(): AsyncIterable<Digest>;
  /** Undefined where it is not stored. */
  stat(digest: Digest): Promise<StoredContent | undefined>;
  /** Rejects while nothing can be written (fault 113). */
  check(): Promise<void>;
  /** An address that a client may fetch the content from, for minutes; absent where clients are not to be sent elsewhere. */
  readonly signUrl?: (descriptor: ContentKey) => Promise<string>;
}
