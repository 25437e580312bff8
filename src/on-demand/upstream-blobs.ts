import { Readable } from 'node:stream';
import { digestMismatch } from '../content/content-error.ts';
import { verifyInPassing } from '../content/verified-source.ts';
import { readBlobSources } from '../db/content/blob-sources.ts';
import type { Em } from '../db/open-database.ts';
import { readInlineManifest } from '../db/reads/read-inline.ts';
import type { Remote } from '../db/schema/remotes.ts';
import type { ContentKey, ContentSource } from '../oci/content-source.ts';
import { digestBytes } from '../oci/digest-bytes.ts';
import { digestAlgorithm } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { TidemarkError } from '../oci/error.ts';
import { readInlineData } from '../oci/manifest/inline-data.ts';
import { bytesSource } from '../upstream/blob-source.ts';
import { streamFrom } from './ask-remotes.ts';
import { noSource, storeBlob } from './store-blob.ts';
import type { UpstreamBlobDeps, Wish } from './store-blob.ts';

export interface UpstreamBlobs {
  /**
   * A source of a blob that is not stored for the repository, from its own remotes. Under ON_DEMAND (and IMMEDIATE) concurrent callers with
   * the same remotes share one download, which stores the blob and continues when all of them have left. Under STREAMED each fetch is a
   * download of its own, and nothing is stored.
   */
  open(blob: {
    readonly repositoryId: number;
    readonly digest: Digest;
    readonly sizeBytes: number;
  }): Promise<ContentSource>;
  /** Stores a blob for a repository from one of its remotes, unless the repository may reuse stored content. */
  store(repositoryId: number, remote: Remote, blob: Pick<ContentKey, 'digest' | 'size'>): Promise<void>;
  /** Cancels the downloads. The next attempt resumes them. */
  close(): Promise<void>;
}

/** A download that stores a blob. */
interface Flight {
  readonly body: Promise<ContentSource>;
  readonly landed: Promise<void>;
}

export function createUpstreamBlobs(deps: UpstreamBlobDeps): UpstreamBlobs {
  const flights = new Map<string, Flight>();
  const closing = new AbortController();

  function start(key: string, wish: Omit<Wish, 'onOpen' | 'isCached'>): Flight {
    const opened = Promise.withResolvers<ContentSource>();
    // a caller that waits gets the rejection; there may be none
    opened.promise.catch(() => undefined);
    const fly = async () => {
      try {
        await storeBlob(deps, { ...wish, onOpen: opened.resolve, isCached: true }, closing.signal);
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
      if (remote.policy === 'STREAMED') return streamFrom(deps, remotes, repositoryId);
      // Manifests may disagree about the size, and one of them is wrong. A download with other remotes is not shared.
      const key = `${digest} ${sizeBytes} ${remotes.map(({ id }) => id).join()}`;
      const flight = flights.get(key) ?? start(key, { repositoryId, remotes, descriptor });
      return flight.body;
    },
    async store(repositoryId, remote, blob) {
      if (blob.size === 0) return void emptyBlob(blob.digest);
      const descriptor = { ...blob, mediaType: 'application/octet-stream' };
      const wish = { repositoryId, remotes: [remote], descriptor, onOpen: () => undefined, isCached: false };
      await storeBlob(deps, wish, closing.signal);
    },
    async close() {
      closing.abort(stopping());
      await Promise.all([...flights.values()].map((flight) => flight.landed));
    },
  };
}

/** A blob in a manifest's `data` field needs no remote. */
async function readInline(
  em: Em,
  repositoryId: number,
  descriptor: ContentKey,
): Promise<ContentSource | undefined> {
  const document = await readInlineManifest(em, { repositoryId, digest: descriptor.digest });
  const bytes = document && readInlineData(document, descriptor);
  return bytes && bytesSource(bytes);
}

/** Verified here: it has no last byte to withhold until the digest is verified. */
function emptyBlob(digest: Digest): ContentSource {
  const empty = Buffer.alloc(0);
  const actual = digestBytes(empty, digestAlgorithm(digest));
  if (actual !== digest)
    throw digestMismatch({ digest, size: 0, mediaType: 'application/octet-stream' }, actual);
  return { fetch: () => Promise.resolve({ offset: 0, bytes: Readable.from([empty]) }) };
}

function stopping(): TidemarkError {
  return new TidemarkError('STOPPING', 'The server is stopping. Try again.', {
    origin: 'server',
    retryable: true,
  });
}
