import type { PresentTag } from '../../db/staging/stage-tags.ts';
import { isTidemarkError } from '../../oci/error.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Registry } from '../../registry/registry.ts';
import { isThrottle } from '../../upstream/error-kinds.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import type { ActivityDeps } from '../deps.ts';
import { isSame } from '../tags/look-up-tag.ts';

export interface Sample {
  readonly registry: Registry;
  readonly concurrency: number;
  /** Tags that a list names as the version has them. */
  readonly tags: readonly (PresentTag & { readonly name: string })[];
}

export interface Lie {
  readonly name: string;
  readonly listed: Digest;
  /** The digest that two requests agree on. */
  readonly served: Digest;
}

export interface CheckedSample {
  /** The list is wrong. */
  readonly lie: Lie | undefined;
  /** Tags that the list does not settle: absent, unreadable, or of another media type. */
  readonly unsettled: readonly string[];
}

/** Compares a sample of a list with HEAD. GET must confirm another digest, because one odd answer proves nothing. */
export async function checkSample(
  deps: Pick<ActivityDeps, 'connections'>,
  { registry, concurrency, tags }: Sample,
  signal: AbortSignal,
): Promise<CheckedSample> {
  const unsettled: string[] = [];
  let lie: Lie | undefined;
  await forEachConcurrently(tags, { concurrency, signal }, async (tag, laneSignal) => {
    const { name, digest: listed } = tag;
    const ask = async () => {
      const head = await registry.resolve(name, { signal: laneSignal, known: listed });
      if (head === 'unchanged' || (head !== undefined && isSame(head, tag))) return;
      unsettled.push(name);
      if (head === undefined || head.digest === listed) return;
      const manifest = await registry.getManifest(name, { signal: laneSignal });
      if (manifest?.digest === head.digest) lie ??= { name, listed, served: head.digest };
    };
    try {
      await deps.connections.run(laneSignal, ask);
    } catch (error) {
      laneSignal.throwIfAborted();
      if (!isTidemarkError(error) || error.origin !== 'upstream' || isThrottle(error)) throw error;
      unsettled.push(name);
    }
  });
  return { lie, unsettled };
}

export function describeLie(host: string, { name, listed, served }: Lie): string {
  return (
    `The list of tags with digests at ${host} names ${listed} for the tag ${name}, but the registry serves ${served}. ` +
    'Lists with digests of this host are not used for a day. All tags were requested one by one.'
  );
}
