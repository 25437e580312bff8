import DataLoader from 'dataloader';
import type { Em } from '../../db/open-database.ts';
import type { KeptTag } from '../../db/outcomes/keep-tags.ts';
import { seeTags } from '../../db/outcomes/seen-tags.ts';
import type { SeenTag } from '../../db/outcomes/seen-tags.ts';
import type { Digest } from '../../oci/digest.ts';
import type { MinimumAge } from '../../selection/tag-rules.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/** A tag that stays as the repository has it. */
export type HeldTag = { readonly kind: 'held' } & KeptTag;

interface TagAtUpstream {
  readonly name: string;
  readonly digest: Digest;
}

/** Records that the upstream has this digest under the tag. Returns the outcome if the digest is too young. */
export type AgeCheck = (tag: TagAtUpstream) => Promise<HeldTag | undefined>;

/** Undefined without a minimum age. Tags that are checked at the same time share a statement. */
export function openAgeCheck(em: Em, sync: SyncContext): AgeCheck | undefined {
  const { minimumAge } = sync.filter;
  if (minimumAge === undefined) return undefined;
  const seen = new DataLoader<TagAtUpstream, SeenTag | undefined>(
    async (tags) => {
      const byName = await seeTags(em, { ...sync, isDryRun: sync.arguments.dryRun }, tags, minimumAge);
      return tags.map(({ name }) => byName.get(name));
    },
    { cache: false, maxBatchSize: 100 },
  );
  return async (tag) => {
    const times = await seen.load(tag);
    return times === undefined || times.isTaken ? undefined : hold(tag, times, minimumAge);
  };
}

function hold(
  { name, digest }: TagAtUpstream,
  { firstSeenAt, dueAt }: SeenTag,
  { seconds }: MinimumAge,
): HeldTag {
  const reason =
    `${digest} was first seen at ${firstSeenAt.toISOString()}; ` +
    `minimumAgeSeconds (${seconds}) lets the tag take it from ${dueAt.toISOString()} on.`;
  return { kind: 'held', name, outcome: 'TOO_YOUNG', reason, digest };
}
