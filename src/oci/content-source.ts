import type { Descriptor } from './manifest/descriptor.ts';

/** Identifies content in a source or a store. */
export type ContentKey = Pick<Descriptor, 'digest' | 'size' | 'mediaType'>;

export interface FetchOptions {
  /** The first requested byte; default 0. A source may start at 0 anyway; see `ContentBody.offset`. */
  readonly offset?: number;
  /** The number of requested bytes; default all. A source may return more. Sources that verify while streaming need it. */
  readonly lengthBytes?: number;
  readonly signal?: AbortSignal;
  /** The preferred maximum of a chunk; a source may ignore it. */
  readonly chunkBytes?: number;
}

export interface ContentBody {
  /** The position of the first byte: the requested offset, or 0. */
  readonly offset: number;
  /** A chunk is valid until the next one is read: sources reuse their buffers. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** A registry, a folder, or memory. A source does not verify the bytes. */
export interface ContentSource {
  /** @throws TidemarkError `CONTENT_UNKNOWN`, and others of the source. */
  fetch(descriptor: ContentKey, options?: FetchOptions): Promise<ContentBody>;
}
