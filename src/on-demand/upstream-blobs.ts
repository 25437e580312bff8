import { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { namingRequest, repositoryUrl } from '../upstream/naming-request.ts';
import { bytesSource } from '../upstream/blob-source.ts';
import { digestMismatch } from '../content/content-error.ts';
import type { GrowingBlob, GrowingStore, LimitedStore, ReadOnlyStore } from '../content/store.ts';
import { verifyInPassing } from '../content/verified-source.ts';
import type { BlobLocks } from '../db/content/blob-lock.ts';
import { markBlobStored, readBlobSources } from '../db/content/blob-sources.ts';
import type { Remote } from '../db/schema/remotes.ts';
import { readInlineManifest } from '../db/reads/read-inline.ts';
import type { Database, Em } from '../db/open-database.ts';
import { apartOf, mayReuseBlob } from '../db/staging/reuse.ts';
import type { ContentBody, ContentKey, ContentSource } from '../oci/content-source.ts';
import { digestBytes } from '../oci/digest-bytes.ts';
import { digestAlgorithm } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { TidemarkError, isTidemarkError } from '../oci/error.ts';
import { readInlineData } from '../oci/manifest/inline-data.ts';
import { layersOf } from './layers-of.ts';
import type { HeldUpstream, RemoteClients } from './remote-clients.ts';
import { reuseOf } from './reuse-of.ts';

export interface UpstreamBlobDeps {
  readonly database: Database;
  readonly store: ReadOnlyStore & GrowingStore & LimitedStore;
  readonly blobLocks: BlobLocks;
  readonly clients: RemoteClients;
  readonly logger: Logger;
  /** Whether several may not read what is each other's: logins are on. */
  readonly isShared: boolean;
}

export interface UpstreamBlobs {
  /**
   * Where a blob can be read that the repository does not have yet, from its own remotes. Under ON_DEMAND (and IMMEDIATE) one fetch stores it, and all who ask the same remotes meanwhile follow that; it
   * goes on to its end when all of them have left. Under STREAMED each has a fetch of its own, and nothing is stored.
   */
  open(blob: {
    readonly repositoryId: number;
    readonly digest: Digest;
    readonly sizeBytes: number;
  }): Promise<ContentSource>;
  /** Stores a blob for a repository, from one of its remotes, where it may not use what is stored. */
  store(repositoryId: number, remote: Remote, blob: Pick<ContentKey, 'digest' | 'size'>): Promise<void>;
  /** Breaks off what is being fetched; what came of it is resumed by the next attempt. */
  close(): Promise<void>;
}

/** A fetch that stores a blob. */
interface Flight {
  readonly body: Promise<ContentSource>;
  readonly landed: Promise<void>;
}

export function createUpstreamBlobs(deps: UpstreamBlobDeps): UpstreamBlobs {
  const flights = new Map<string, Flight>();
  const closing = new AbortController();

  function start(key: string, wish: Omit<Wish, 'onOpen'>): Flight {
    const opened = Promise.withResolvers<ContentSource>();
    // whoever waits for it sees the rejection; nobody has to
    opened.promise.catch(() => undefined);
    const fly = async () => {
      try {
        await storeBlob(deps, { ...wish, onOpen: opened.resolve }, closing.signal);
      } catch (error) {
        opened.reject(error);
        if (!closing.signal.aborted)
          deps.logger.warn(
            { err: error, repositoryId: wish.repositoryId, digest: wish.descriptor.digest },
            'a blob could not be fetched on demand',
          );
      } finally {
        flights.delete(key);
      }
    };
    const flight = { body: opened.promise, landed: fly() };
    flights.set(key, flight);
    return flight;
  }

  return {
    async open({ repositoryId, digest, sizeBytes }) {
      closing.signal.throwIfAborted();
      if (sizeBytes === 0) return emptyBlob(digest);
      const descriptor = { digest, size: sizeBytes, mediaType: 'application/octet-stream' };
      const inline = await readInline(deps.database.em.fork(), repositoryId, descriptor);
      if (inline !== undefined) return verifyInPassing(inline);
      const remotes = await readBlobSources(deps.database.em.fork(), { repositoryId, digest });
      const [remote] = remotes;
      if (remote === undefined) throw noSource(digest);
      if (remote.policy === 'STREAMED') return streamed(deps, remotes, repositoryId);
      // two manifests may claim two sizes: one of them is wrong. Nobody rides what others fetch with other remotes
      const key = `${digest} ${sizeBytes} ${remotes.map(({ id }) => id).join()}`;
      const flight = flights.get(key) ?? start(key, { repositoryId, remotes, descriptor });
      return flight.body;
    },
    async store(repositoryId, remote, blob) {
      if (blob.size === 0) return void emptyBlob(blob.digest);
      const descriptor = { ...blob, mediaType: 'application/octet-stream' };
      const wish = { repositoryId, remotes: [remote], descriptor, onOpen: () => undefined };
      await storeBlob(deps, wish, closing.signal);
    },
    async close() {
      closing.abort(stopping());
      await Promise.all([...flights.values()].map((flight) => flight.landed));
    },
  };
}

interface Wish {
  readonly repositoryId: number;
  /** The best first; one at least. */
  readonly remotes: readonly Remote[];
  readonly descriptor: ContentKey;
  readonly onOpen: (source: ContentSource) => void;
}

/** Under the lock that syncs take, too: of all processes, one fetches a blob; of those that may read each other's. */
async function storeBlob(deps: UpstreamBlobDeps, wish: Wish, signal: AbortSignal): Promise<void> {
  const { descriptor, repositoryId, remotes } = wish;
  const { digest, size: sizeBytes } = descriptor;
  const [first] = remotes;
  if (first === undefined) throw noSource(digest);
  const reuse = reuseOf(deps, repositoryId, first);
  const apart = apartOf(reuse);
  await deps.blobLocks.withLock(apart === undefined ? digest : `${digest} ${apart}`, signal, async () => {
    const em = deps.database.em.fork();
    if ((await mayReuseBlob(em, digest, reuse)) && (await deps.store.exists(descriptor)))
      wish.onOpen(deps.store);
    else await fetchAndStore(deps, { ...wish, apart }, signal);
    // where several remotes were asked, none is told apart
    const origin = remotes.length === 1 ? reuse.origin : undefined;
    await markBlobStored(em, { digest, sizeBytes, repositoryId, origin });
  });
}

async function fetchAndStore(
  deps: UpstreamBlobDeps,
  wish: Wish & { readonly apart: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  const { descriptor, remotes, repositoryId, apart } = wish;
  deps.store.quota?.check(descriptor.digest, descriptor.size);
  const growing = await deps.store.grow(descriptor, { signal, ...(apart !== undefined && { apart }) });
  wish.onOpen(growing);
  try {
    await firstThatHasIt(deps.clients, remotes, signal, (upstream) =>
      upstream.downloads.run(signal, () => {
        const source = layersOf(deps.database, upstream, repositoryId);
        return receive(upstream, { growing, source, descriptor }, signal);
      }),
    );
    await growing.finish();
  } catch (error) {
    await growing.fail(error);
    throw error;
  }
}

interface Receiving {
  readonly growing: GrowingBlob;
  readonly source: ContentSource;
  readonly descriptor: ContentKey;
}

/** A body that broke off is resumed; the remote's `maxRetries` counts the tries in a row that bring nothing. */
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

function streamed(
  { clients, database }: UpstreamBlobDeps,
  remotes: readonly Remote[],
  repositoryId: number,
): ContentSource {
  return {
    fetch: (descriptor, options = {}) =>
      firstThatHasIt(clients, remotes, options.signal, async (upstream) => {
        // held once more, until the body has been read
        const held = clients.hold(upstream.remote);
        const { release } = held;
        try {
          const source = layersOf(database, held, repositoryId);
          const body = await naming(upstream, descriptor, () =>
            verifyInPassing(source).fetch(descriptor, options),
          );
          return { ...body, bytes: releasing(body, release) };
        } catch (error) {
          release();
          throw error;
        }
      }),
  };
}

async function* releasing({ bytes }: ContentBody, release: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } finally {
    release();
  }
}

/** @throws what the first remote threw, where none could serve. */
async function firstThatHasIt<T>(
  clients: RemoteClients,
  remotes: readonly Remote[],
  signal: AbortSignal | undefined,
  work: (upstream: HeldUpstream) => Promise<T>,
): Promise<T> {
  let first: { readonly error: unknown } | undefined;
  for (const remote of remotes) {
    const upstream = clients.hold(remote);
    try {
      return await work(upstream);
    } catch (error) {
      first ??= { error };
      const isUpstreams = isTidemarkError(error) && error.origin !== 'server';
      if (!isUpstreams || signal?.aborted === true || error.code === 'DIGEST_MISMATCH') break;
    } finally {
      upstream.release();
    }
  }
  throw first?.error;
}

function naming<T>(upstream: HeldUpstream, { digest }: ContentKey, work: () => Promise<T>): Promise<T> {
  return namingRequest(`GET ${repositoryUrl(upstream)}/blobs/${digest}`, work);
}

/** Where the image itself carries it, no remote is asked. */
async function readInline(
  em: Em,
  repositoryId: number,
  descriptor: ContentKey,
): Promise<ContentSource | undefined> {
  const document = await readInlineManifest(em, { repositoryId, digest: descriptor.digest });
  const bytes = document && readInlineData(document, descriptor);
  return bytes && bytesSource(bytes);
}

/** No byte of it is ever read, so none could be held back until the digest is verified. */
function emptyBlob(digest: Digest): ContentSource {
  const empty = Buffer.alloc(0);
  const actual = digestBytes(empty, digestAlgorithm(digest));
  if (actual !== digest)
    throw digestMismatch({ digest, size: 0, mediaType: 'application/octet-stream' }, actual);
  return { fetch: () => Promise.resolve({ offset: 0, bytes: Readable.from([empty]) }) };
}

function noSource(digest: Digest): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_UNAVAILABLE',
    `No remote is known any more that has ${digest}; sync the repository again.`,
  );
}

function stopping(): TidemarkError {
  return new TidemarkError('STOPPING', 'The server stops; try again.', { origin: 'server', retryable: true });
}
