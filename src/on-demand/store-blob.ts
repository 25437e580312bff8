import type { Logger } from 'pino';
import type { GrowingBlob, GrowingStore, LimitedStore, ReadOnlyStore } from '../content/store.ts';
import type { BlobLocks } from '../db/content/blob-lock.ts';
import { markBlobStored } from '../db/content/blob-sources.ts';
import { uploadedBlobLock } from '../db/content/uploads.ts';
import type { Database } from '../db/open-database.ts';
import type { Remote } from '../db/schema/remotes.ts';
import { apartOf, mayReuseBlob } from '../db/staging/reuse.ts';
import type { ContentBody, ContentKey, ContentSource } from '../oci/content-source.ts';
import type { Digest } from '../oci/digest.ts';
import { TidemarkError, isTidemarkError } from '../oci/error.ts';
import { firstThatHasIt, layersOf, naming } from './ask-remotes.ts';
import type { HeldUpstream, RemoteClients } from './remote-clients.ts';
import type { BlobCache, Room } from './blob-cache.ts';
import { reuseOf } from './reuse-of.ts';

export interface UpstreamBlobDeps {
  readonly database: Database;
  readonly store: ReadOnlyStore & GrowingStore & LimitedStore;
  readonly blobLocks: BlobLocks;
  readonly clients: RemoteClients;
  readonly cache: BlobCache;
  readonly logger: Logger;
  /** Whether logins are on: then callers may not use each other's content. */
  readonly isShared: boolean;
}

/** A blob to fetch and store. */
export interface Wish {
  readonly repositoryId: number;
  /** At least one, the best first. */
  readonly remotes: readonly Remote[];
  readonly descriptor: ContentKey;
  readonly onOpen: (source: ContentSource) => void;
  /** Whether a client pulls it; otherwise a check of signatures needs it. */
  readonly isCached: boolean;
}

/** Holds the lock that syncs take, so that one process fetches a blob, among those that may use each other's content. */
export async function storeBlob(deps: UpstreamBlobDeps, wish: Wish, signal: AbortSignal): Promise<void> {
  const { descriptor, repositoryId, remotes } = wish;
  const { digest, size: sizeBytes } = descriptor;
  const [first] = remotes;
  if (first === undefined) throw noSource(digest);
  const reuse = reuseOf(deps, repositoryId, first);
  const apart = apartOf(reuse);
  const em = deps.database.em.fork();
  // of several remotes it is not known which one delivered it
  const origin = remotes.length === 1 ? reuse.origin : undefined;
  const mark = () => markBlobStored(em, { digest, sizeBytes, repositoryId, origin, isCached: wish.isCached });
  // Downloads apart have locks of their own. Eviction takes this one too: it must not remove the bytes before their row says that they are stored.
  const kept = <T>(work: () => Promise<T>) =>
    deps.blobLocks.withShared(uploadedBlobLock(digest), signal, work);
  const takeStored = async () => {
    if (!(await deps.store.exists(descriptor))) return false;
    wish.onOpen(deps.store);
    await mark();
    return true;
  };
  const room = await deps.cache.open({ repositoryId, digest, sizeBytes });
  try {
    await deps.blobLocks.withLock(apart === undefined ? digest : `${digest} ${apart}`, signal, async () => {
      if ((await mayReuseBlob(em, digest, reuse)) && (await kept(takeStored))) return;
      await fetchAndStore(deps, { ...wish, apart, room, kept, mark }, signal);
    });
  } finally {
    room.leave();
  }
}

interface Fetching extends Wish {
  readonly apart: string | undefined;
  readonly room: Pick<Room, 'reach'>;
  /** Keeps the stored bytes from eviction during the work. */
  readonly kept: (work: () => Promise<void>) => Promise<void>;
  /** Records that the bytes are stored. */
  readonly mark: () => Promise<void>;
}

async function fetchAndStore(deps: UpstreamBlobDeps, wish: Fetching, signal: AbortSignal): Promise<void> {
  const { descriptor, remotes, repositoryId, apart, room } = wish;
  deps.store.quota?.check(descriptor.digest, descriptor.size);
  const growing = await deps.store.grow(descriptor, { signal, ...(apart !== undefined && { apart }) });
  wish.onOpen(growing);
  let isStored = false;
  try {
    await firstThatHasIt(deps.clients, remotes, signal, (upstream) =>
      upstream.downloads.run(signal, () => {
        const source = makingRoom(layersOf(deps.database, upstream, repositoryId), room);
        return receive(upstream, { growing, source, descriptor }, signal);
      }),
    );
    await room.reach(descriptor.size);
    await wish.kept(async () => {
      await growing.finish();
      isStored = true;
      await wish.mark();
    });
  } catch (error) {
    if (!isStored) await growing.fail(error);
    throw error;
  }
}

/** Evicts as the bytes come. */
function makingRoom(source: ContentSource, room: Pick<Room, 'reach'>): ContentSource {
  async function* pass({ offset, bytes }: ContentBody): AsyncGenerator<Uint8Array> {
    let receivedBytes = offset;
    for await (const chunk of bytes) {
      receivedBytes += chunk.byteLength;
      await room.reach(receivedBytes);
      yield chunk;
    }
  }
  return {
    async fetch(descriptor, options) {
      const body = await source.fetch(descriptor, options);
      return { ...body, bytes: pass(body) };
    },
  };
}

interface Receiving {
  readonly growing: GrowingBlob;
  readonly source: ContentSource;
  readonly descriptor: ContentKey;
}

/** Resumes a body that broke off. The remote's `maxRetries` limits the attempts in a row that bring no byte. */
async function receive(
  upstream: HeldUpstream,
  { growing, source, descriptor }: Receiving,
  signal: AbortSignal,
): Promise<void> {
  for (let fruitless = 0; ;) {
    const before = growing.sizeBytes;
    try {
      return await naming(upstream, descriptor, () => growing.receive(source, signal));
    } catch (error) {
      const canGoOn = isTidemarkError(error) && error.retryable && error.origin === 'upstream';
      fruitless = growing.sizeBytes > before ? 0 : fruitless + 1;
      if (!canGoOn || fruitless > upstream.remote.maxRetries || signal.aborted) throw error;
    }
  }
}

export function noSource(digest: Digest): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_UNAVAILABLE',
    `No known remote has ${digest}. Sync the repository again.`,
  );
}
