import { verifyInPassing } from '../content/verified-source.ts';
import type { Database } from '../db/open-database.ts';
import { readForeignOf } from '../db/reads/read-inline.ts';
import type { Remote } from '../db/schema/remotes.ts';
import type { ContentBody, ContentKey, ContentSource } from '../oci/content-source.ts';
import { isTidemarkError } from '../oci/error.ts';
import { withOtherAddress } from '../upstream/blob-source.ts';
import { withLayerUrls } from '../upstream/layer-urls.ts';
import { namingRequest, repositoryUrl } from '../upstream/naming-request.ts';
import type { Upstream } from '../upstream/naming-request.ts';
import type { HeldUpstream, RemoteClients } from './remote-clients.ts';

/** The blobs of a remote: at the upstream and, with `followLayerUrls`, at the addresses in the repository's manifests. */
export function layersOf(
  database: Database,
  { remote, registry }: Upstream,
  repositoryId: number,
): ContentSource {
  const source = withOtherAddress(registry);
  if (!remote.followLayerUrls) return source;
  return {
    fetch: (descriptor, options) =>
      withLayerUrls({
        registry,
        source,
        readDocuments: () => readForeignOf(database.em.fork(), repositoryId, descriptor.digest),
      }).fetch(descriptor, options),
  };
}

/** Each fetch is a download of its own, and nothing is stored. */
export function streamFrom(
  { clients, database }: { readonly clients: RemoteClients; readonly database: Database },
  remotes: readonly Remote[],
  repositoryId: number,
): ContentSource {
  return {
    fetch: (descriptor, options = {}) =>
      firstThatHasIt(clients, remotes, options.signal, async (upstream) => {
        // held until the body has been read
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

/** Asks the remotes in turn. @throws the first remote's error when none has it */
export async function firstThatHasIt<T>(
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

export function naming<T>(
  upstream: HeldUpstream,
  { digest }: ContentKey,
  work: () => Promise<T>,
): Promise<T> {
  return namingRequest(`GET ${repositoryUrl(upstream)}/blobs/${digest}`, work);
}
