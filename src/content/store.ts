import type { ContentKey, ContentSource } from '../oci/content-source.ts';
import type { Digest } from '../oci/digest.ts';
import type { Quota } from './quota.ts';
import type { PartStore } from './upload-store.ts';

export interface PushOptions {
  readonly signal?: AbortSignal;
  /**
   * Called after each write with the bytes of this blob on disk, from 0 to its size, and how many of them were not read from the source
   * (resumed, or already stored).
   */
  readonly onProgress?: (bytesDone: number, resumedBytes: number) => void;
  /**
   * Isolates this push, as `[a-z0-9]+`: it must not reveal what is stored or partly fetched for others. The content is read from the source
   * even if it is stored, resumes only a push with the same value, and is stored once. Absent: stored content is not fetched.
   */
  readonly apart?: string;
}

export interface PushResult {
  /** Bytes read from the source; less than the size where a partial file was resumed. */
  readonly fetchedBytes: number;
}

export interface ReadOnlyStore extends ContentSource {
  /** Whether the content is stored with the descriptor's size. */
  exists(descriptor: Pick<ContentKey, 'digest' | 'size'>): Promise<boolean>;
}

export interface ContentStore extends ReadOnlyStore {
  /**
   * Stores content from a source: temporary file, hash while writing, check of size and digest, fsync, rename, fsync of the folder. Content is
   * addressable only after that. The partial file of an earlier attempt is hashed again and resumed.
   * @throws TidemarkError `SIZE_MISMATCH`, `DIGEST_MISMATCH`, `UPSTREAM_TRUNCATED`, `STORAGE_FULL`, or the source's error.
   */
  push(descriptor: ContentKey, source: ContentSource, options?: PushOptions): Promise<PushResult>;
}

/** A blob on its way into a store. One fetch writes it; any number of readers follow, each at its own pace. */
export interface GrowingBlob extends ContentSource {
  /** Bytes received so far. */
  readonly sizeBytes: number;
  /**
   * Fetches what is missing. After an error it may be called again, with this or another source, and continues.
   * @throws as `ContentStore.push`
   */
  receive(source: ContentSource, signal: AbortSignal): Promise<void>;
  /**
   * Verifies the digest, releases the last byte to the readers, and stores the blob.
   * @throws TidemarkError `DIGEST_MISMATCH`, or the store's error.
   */
  finish(): Promise<void>;
  /** Aborts all unfinished readers. Bytes that may be right stay for the next attempt. */
  fail(reason: unknown): Promise<void>;
}

export interface GrowingStore {
  /** Begins a blob, and resumes what an earlier attempt left. The caller runs one attempt at a time. */
  grow(descriptor: ContentKey, options: Pick<PushOptions, 'apart' | 'signal'>): Promise<GrowingBlob>;
}

export interface ContentDeleter {
  /** Removes stored content; does nothing if it is missing. */
  delete(descriptor: Pick<ContentKey, 'digest'>): Promise<void>;
}

/** A store with an optional limit on its bytes. */
export interface LimitedStore {
  /** Absent without a limit. Callers charge it with bytes that are not blobs yet, or check it before the first byte (fault 53). */
  readonly quota?: Quota;
}

export interface FileAdopter extends LimitedStore {
  /**
   * Moves a file of the data folder into the store. The caller has verified size and digest and called fsync. A stored blob is replaced: a
   * push repairs a damaged one (fault 84).
   * @throws TidemarkError `STORAGE_QUOTA`, `STORAGE_UNAVAILABLE`, `STORAGE_FULL`
   */
  adopt(descriptor: ContentKey, path: string): Promise<void>;
}

export interface RedirectingStore extends ReadOnlyStore {
  /** A URL from which a client can fetch the content for some minutes; absent if clients are not redirected. */
  readonly signUrl?: (descriptor: ContentKey) => Promise<string>;
}

/** Facts about stored content that need no read. */
export interface StoredContent {
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

/** The stored content as garbage collection and verification see it. */
export interface StoreInventory {
  /** All stored digests, unordered. Content stored or removed during the listing may be missing. */
  list(): AsyncIterable<Digest>;
  /** Undefined if it is not stored. */
  stat(digest: Digest): Promise<StoredContent | undefined>;
}

export interface SweepResult {
  readonly removedFiles: number;
  readonly removedBytes: number;
}

export interface StoreUpkeep {
  /**
   * Removes the leftovers of interrupted attempts that are older than `olderThanMs` (faults 112, 114). Pushes of this process keep theirs.
   * Choose an age beyond the longest pause of a push in another process, such as a day.
   */
  sweepPartials(options: { readonly olderThanMs: number }): Promise<SweepResult>;
  /** Rejects while the store is not writable (fault 113). */
  check(): Promise<void>;
}

/** Where a server keeps its blobs: a folder, or an S3 bucket. */
export interface BlobStore
  extends
    ContentStore,
    GrowingStore,
    ContentDeleter,
    FileAdopter,
    RedirectingStore,
    StoreInventory,
    StoreUpkeep {
  /** For parts of uploads. Absent where the folder of uploads is beside the blobs, for all processes. */
  readonly parts?: PartStore;
}
