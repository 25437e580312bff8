import type { Database, Em } from '../db/open-database.ts';
import { readRootImages, writePlatforms } from '../db/staging/image-platforms.ts';
import type { RootImage } from '../db/staging/image-platforms.ts';
import { findEmptyIndexes } from '../db/staging/index-entries.ts';
import { recordDelivered } from '../db/staging/reuse.ts';
import type { ContentSource } from '../oci/content-source.ts';
import type { Digest } from '../oci/digest.ts';
import { TidemarkError } from '../oci/error.ts';
import { formatPlatform } from '../oci/manifest/descriptor.ts';
import { configMaxBytes, parseConfigPlatform } from '../oci/manifest/manifest-parse.ts';
import { isImageConfigType } from '../oci/manifest/media-type.ts';
import { compilePlatforms, takesImage } from '../selection/platforms.ts';
import { withOtherAddress } from './blob-source.ts';
import { forEachConcurrently } from './limiter.ts';
import type { Limiter } from './limiter.ts';
import { repositoryUrl } from './naming-request.ts';
import type { Upstream } from './naming-request.ts';
import { readSmallBlob } from './read-small-blob.ts';
import type { GraphWalk } from './walk-graph.ts';

/** A root of a finished walk that is not taken. */
export interface LeftOutRoot {
  readonly id: number;
  readonly digest: Digest;
  /** `platform`: the remote takes none of it; `missing`: the upstream lacks all that the remote takes. */
  readonly kind: 'platform' | 'missing';
  /** A clause that begins with "it". */
  readonly reason: string;
}

interface Deps {
  readonly database: Database;
  readonly connections: Limiter;
  /** Configs that are stored already. */
  readonly store?: ContentSource;
}

/** Finds the indexes of which nothing is left, and single images of other platforms: their configs tell, which are read but not stored. */
export async function findLeftOut(
  deps: Deps,
  upstream: Upstream,
  walk: GraphWalk,
  signal: AbortSignal,
): Promise<LeftOutRoot[]> {
  const em = deps.database.em.fork();
  const empty = await findEmptyIndexes(em, walk.rootIds, walk.absences);
  const indexes = empty.map(({ id, digest, isMissing }): LeftOutRoot => {
    const kind = isMissing ? 'missing' : 'platform';
    const reason = isMissing
      ? 'it is an index, and the upstream has none of the manifests that it lists (404)'
      : 'it is an index without an image for these platforms';
    return { id, digest, kind, reason };
  });
  if (walk.platforms === null) return indexes;
  return [...indexes, ...(await findImages(deps, upstream, { ...walk, platforms: walk.platforms }, signal))];
}

/** For messages: a clause that begins with "it". */
export function describeLeftOut({ reason }: LeftOutRoot, platforms: readonly string[] | null): string {
  return `${reason}, and the remote takes only ${(platforms ?? []).join(', ')}`;
}

export function childrenMissing(upstream: Upstream, { digest }: LeftOutRoot): TidemarkError {
  return new TidemarkError(
    'CHILD_MISSING',
    `GET ${repositoryUrl(upstream)}/manifests/… was answered 404 for every manifest that the index ${digest} lists and the remote takes. ` +
      'Push them upstream, or leave the tag out with excludeTags.',
  );
}

async function findImages(
  deps: Deps,
  upstream: Upstream,
  walk: GraphWalk & { readonly platforms: readonly string[] },
  signal: AbortSignal,
): Promise<LeftOutRoot[]> {
  const em = deps.database.em.fork();
  const takes = compilePlatforms(walk.platforms);
  const found: LeftOutRoot[] = [];
  const images = (await readRootImages(em, walk.rootIds, walk.reuse)).filter(
    ({ mediaType, sizeBytes }) => isImageConfigType(mediaType) && sizeBytes <= configMaxBytes,
  );
  const { concurrency } = walk;
  await forEachConcurrently(images, { concurrency, signal }, async (image, laneSignal) => {
    const platform = image.isRead
      ? image.platform
      : await deps.connections.run(laneSignal, () => readConfig(deps, { upstream, walk, image }, laneSignal));
    if (takesImage(platform, takes)) return;
    const { manifestId: id, manifestDigest: digest } = image;
    found.push({ id, digest, kind: 'platform', reason: `it is an image for ${platform}` });
  });
  return found;
}

/** A config that cannot be read says nothing: the sync reports it when it fetches the blobs. */
async function readConfig(
  { database, store }: Deps,
  {
    upstream,
    walk,
    image,
  }: { readonly upstream: Upstream; readonly walk: GraphWalk; readonly image: RootImage },
  signal: AbortSignal,
): Promise<string | null> {
  const em: Em = database.em.fork();
  const stored =
    image.isReusable && store !== undefined ? await readSmallBlob(store, image, signal) : undefined;
  const bytes = stored ?? (await readSmallBlob(withOtherAddress(upstream.registry), image, signal));
  if (bytes === undefined) return null;
  const parsed = parseConfigPlatform(bytes);
  const platform = parsed === undefined ? null : formatPlatform(parsed);
  await em.transactional(async (transaction) => {
    // so that the next sync need not read it again
    if (stored === undefined) await recordDelivered(transaction, walk.reuse.origin, 'blob', [image.blobId]);
    await writePlatforms(transaction, [{ manifestId: image.manifestId, platform }]);
  });
  return platform;
}
