import type { Descriptor } from './manifest/descriptor.ts';

/** What identifies content to a source or a store. */
export type ContentKey = Pick<Descriptor, 'digest' | 'size' | 'mediaType'>;

export interface FetchOptions {
  /** The first byte wanted; a source may answer from 0 all the same and says so in `ContentBody.offset`. Default 0. */
  readonly offset?: number;
  /** How many bytes are wanted from there, where it is not all; a source may answer more. It matters to those that verify what they pass on. */
  readonly lengthBytes?: number;
  readonly signal?: AbortSignal;
  /** Most bytes that a chunk should have; a source that has its chunks from elsewhere need not mind. */
  readonly chunkBytes?: number;
}

export interface ContentBody {
  /** Where the bytes begin: the offset asked for, or 0. */
  readonly offset: number;
  /** Each chunk is valid only until the next one is asked for: sources reuse their buffers. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Where content comes from: a registry, a folder, memory. The bytes are not verified by the source. */
export interface ContentSource {
  /** @throws TidemarkError `CONTENT_UNKNOWN` when it is not there; others as the source says. */
  fetch(descriptor: ContentKey, options?: FetchOptions): Promise<ContentBody>;
}
