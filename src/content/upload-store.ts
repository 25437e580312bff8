import type { Digest } from '../oci/digest.ts';
import { TidemarkError } from '../oci/error.ts';

/** Open uploads. The caller serializes writes to one upload, over all processes. A missing upload is `UPLOAD_UNKNOWN`. */
export interface UploadStore {
  create(id: string): Promise<void>;
  /** The received bytes, at whatever process; undefined for an unknown upload. */
  sizeOf(id: string): Promise<number | undefined>;
  /**
   * Appends the bytes. After an error, the received bytes stay.
   * @param isLast Whether `finish` follows. Default: false.
   * @returns the size of the upload.
   * @throws TidemarkError `STORAGE_QUOTA` if more bytes do not fit into the blob store's quota.
   */
  append(id: string, bytes: AsyncIterable<Uint8Array>, isLast?: boolean): Promise<number>;
  /**
   * Stores the upload as the blob of this digest: verify, fsync, move into `blobs/`. It follows the last `append`, in the same process.
   * @param onVerified Called with the size before the move, which waits for it. Default: nothing.
   * @throws TidemarkError `DIGEST_INVALID` for another digest; the upload stays.
   */
  finish(
    id: string,
    digest: Digest,
    onVerified?: (sizeBytes: number) => Promise<void>,
  ): Promise<{ readonly sizeBytes: number }>;
  /** Whether `finish` has moved the bytes, which it had verified, although it did not end. They are durable then. */
  isMoved(id: string, verified: { readonly digest: Digest; readonly sizeBytes: number }): Promise<boolean>;
  /** Removes what is kept of an upload. Does nothing if it is missing. */
  cancel(id: string): Promise<void>;
  /** Removes uploads that were not written to for `olderThanMs`. */
  sweep(options: { readonly olderThanMs: number }): Promise<{ readonly removedFiles: number }>;
}

export function unknownUpload(id: string): TidemarkError {
  return new TidemarkError(
    'UPLOAD_UNKNOWN',
    `The upload ${JSON.stringify(id.slice(0, 80))} was not found: it was finished or cancelled, or has expired. Begin a new one.`,
    { origin: 'caller' },
  );
}

/** Received bytes of an upload, from `startBytes` on. */
export interface UploadPart {
  readonly startBytes: number;
  readonly sizeBytes: number;
  readonly digest: Digest;
}

/** A range of a file. */
export interface FilePiece {
  readonly path: string;
  readonly start: number;
  /** After the last byte. */
  readonly end: number;
}

/** Where a blob store that other processes share, but not its folder, keeps parts of uploads. */
export interface PartStore {
  /** The size of a part of a long body. */
  readonly partBytes: number;
  /** @returns the digest that the part is read by. */
  put(id: string, piece: FilePiece): Promise<Digest>;
  fetch(id: string, part: UploadPart): Promise<AsyncIterable<Uint8Array>>;
  /** Removes all parts of an upload. */
  remove(id: string): Promise<void>;
  /** The uploads that have parts. */
  list(): AsyncIterable<string>;
}

/** Which parts count. All processes see the same. */
export interface UploadRecords {
  /** Undefined for an unknown upload. */
  sizeOf(id: string): Promise<number | undefined>;
  /** In the order of their bytes. */
  parts(id: string): Promise<readonly UploadPart[]>;
  /** @returns false if the upload does not end where the part begins. */
  add(id: string, part: UploadPart): Promise<boolean>;
}
