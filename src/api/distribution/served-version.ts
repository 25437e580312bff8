import { mayDo, roleFor } from '../../access/registry-rights.ts';
import { visibilityOf } from '../../access/viewer.ts';
import type { PolicyKey } from '../../db/schema/signatures.ts';
import type { VersionKey } from '../../db/reads/read-versions.ts';
import type { PushCaller } from '../../db/versions/push-target.ts';
import { nameUnknown, refuseAction } from './authorise.ts';
import type { Exchange } from './exchange.ts';
import { findPlace, mayPull } from './proxied-name.ts';

/** The version that a name serves. */
export interface ServedVersion extends VersionKey {
  /** The remote for content that the version lacks; null without pull-through. */
  readonly pullThroughRemoteId: number | null;
  /** Each of them must verify an image before it is served. */
  readonly policies: readonly PolicyKey[];
  /** Whether the client may read manifests unverified, to sign them: it may push here. */
  readonly maySign: boolean;
}

/**
 * The version that a name serves now. The number is 0 if the repository has none yet.
 * @throws TidemarkError `NAME_UNKNOWN`, `UNAUTHORIZED` if the client may not pull from it
 */
export async function findServedVersion(exchange: Exchange, name: string): Promise<ServedVersion> {
  const place = await findPlace(exchange, name);
  const { found } = place;
  if (found !== undefined && mayPull(exchange, place.name, found.isPrivate))
    return {
      repositoryId: found.repositoryId,
      number: found.version,
      pullThroughRemoteId: found.pullThroughRemoteId,
      policies: found.policies,
      maySign: found.isSignedHere && mayDo(exchange.client.viewer, 'push', place.name, found.isPrivate),
    };
  // The same answer for an absent and a private repository.
  if (!mayPull(exchange, place.name, true)) throw refuseAction(exchange, 'pull', name);
  throw nameUnknown(name);
}

/** The caller of a push or a deletion. */
export function pushCaller({ client }: Exchange, action: 'push' | 'delete'): PushCaller {
  const { viewer } = client;
  return { seesPrivate: viewer.kind !== 'everybody', changes: visibilityOf(viewer, roleFor(action)) };
}
