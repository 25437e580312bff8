import type { Em } from '../../db/open-database.ts';
import type { KeptTag } from '../../db/outcomes/keep-tags.ts';
import { seeTag } from '../../db/outcomes/seen-tags.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseCompanionTag } from '../../oci/signatures/companion-tag.ts';
import type { SyncContext } from '../sync/sync-context.ts';

export type Waiting = { readonly kind: 'failed' } & KeptTag;

/** Whether a tag may have to wait for the minimum age. Companions follow their images. */
export function mayWait({ filter }: SyncContext, name: string): boolean {
  return filter.minimumAge !== undefined && parseCompanionTag(name) === undefined;
}

/** Records that the upstream has this digest under the tag. Returns the outcome if the digest is too young. */
export async function awaitAge(
  em: Em,
  sync: SyncContext,
  tag: { readonly name: string; readonly digest: Digest },
): Promise<Waiting | undefined> {
  const { minimumAge } = sync.filter;
  if (minimumAge === undefined || !mayWait(sync, tag.name)) return undefined;
  const isDryRun = sync.arguments.dryRun;
  const { isTaken, firstSeenAt, dueAt } = await seeTag(em, { ...sync, isDryRun }, tag, minimumAge);
  if (isTaken) return undefined;
  const reason =
    `${tag.digest} was first seen at ${firstSeenAt.toISOString()}; ` +
    `minimumAgeSeconds (${minimumAge.seconds}) lets the tag take it from ${dueAt.toISOString()} on.`;
  return { kind: 'failed', name: tag.name, outcome: 'TOO_YOUNG', reason, digest: tag.digest };
}
