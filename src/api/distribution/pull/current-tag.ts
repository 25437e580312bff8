import { readServedManifest } from '../../../db/reads/read-served.ts';
import type { ServedManifest, ServedManifestArguments } from '../../../db/reads/read-served.ts';
import { staleTagServed } from '../../../telemetry/events.ts';
import type { Exchange } from '../exchange.ts';
import { findServedVersion } from '../served-version.ts';
import type { ServedVersion } from '../served-version.ts';

/** RFC 7234 section 5.5.1. It says nothing of the upstream. */
const staleWarning = '110 - "Response is Stale"';

export interface TagToServe {
  readonly name: string;
  readonly wish: ServedManifestArguments & { readonly reference: { readonly tag: string } };
}

/**
 * The manifest of a tag. With `tagTtlSeconds`, the upstream is asked after that time, and a tag that has moved is served from its new version. A
 * tag that the upstream does not confirm in time is served with a warning.
 */
export async function readCurrentTag(
  exchange: Exchange,
  version: ServedVersion,
  { name, wish }: TagToServe,
): Promise<{ readonly manifest: ServedManifest; readonly version: ServedVersion } | undefined> {
  const { em, api, reply } = exchange;
  const { repositoryId, pullThroughRemoteId: remoteId, tagTtlSeconds: ttlSeconds, policies } = version;
  const manifest = await readServedManifest(em, version, { ...wish, tagTtlSeconds: ttlSeconds });
  if (manifest === undefined) return undefined;
  if (remoteId === null || ttlSeconds === null || manifest.confirmed === '') return { manifest, version };
  const { tag } = wish.reference;
  const { digest, confirmed } = manifest;
  const answer =
    confirmed === null
      ? await api.upstreams.refreshTag({ repositoryId, remoteId, tag, digest, ttlSeconds, policies })
      : ({ kind: 'stale', problem: confirmed } as const);
  if (answer.kind === 'changed') {
    const next = await findServedVersion(exchange, name);
    const moved = await readServedManifest(em, next, wish);
    return moved && { manifest: moved, version: next };
  }
  if (answer.kind === 'stale') {
    reply.header('warning', staleWarning);
    staleTagServed.publish({ reason: answer.problem.toLowerCase() });
  }
  return { manifest, version };
}
