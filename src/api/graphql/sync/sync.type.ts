import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { RemotePolicy } from '../../../db/schema/remotes.ts';
import type { SyncOverrides } from '../../../db/schema/tasks.ts';
import { RemotePolicyEnum } from '../remotes/remote.type.ts';

@InputType('SyncOverridesInput', {
  description:
    'Options of the remote that this sync replaces. The remote keeps its own, so later syncs and schedules do not change. Omitted: as the remote says.',
})
export class SyncOverridesInput {
  @Field(() => [String], {
    nullable: true,
    description: 'Tags to sync, as in RemoteCreateInput. Null: every tag.',
  })
  includeTags?: string[] | null;

  @Field(() => [String], {
    nullable: true,
    description: 'Tags to leave out, as in RemoteCreateInput. Null: none.',
  })
  excludeTags?: string[] | null;

  @Field(() => RemotePolicyEnum, { nullable: true, description: 'When blobs are fetched.' })
  policy?: RemotePolicy | null;

  @Field(() => Int, { nullable: true, description: 'Requests in flight in the whole sync, 1 to 100.' })
  downloadConcurrency?: number | null;
}

@InputType('RepositorySyncInput', { description: 'A sync of a repository with a remote.' })
export class RepositorySyncInput {
  @Field(() => ID, { description: 'The repository that gets a new version where anything has changed.' })
  repositoryId!: string;

  @Field(() => ID, { nullable: true, description: "The remote to sync with; default: the repository's own." })
  remoteId?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Also remove what the upstream no longer has, inside what the filters select. Without: only add and move tags.',
  })
  mirror?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      "Allow a mirror sync to remove all of the repository's tags, or more than half where it has ten or more. Without, such a sync fails " +
      'with MASS_REMOVAL_REFUSED.',
  })
  confirmRemoval?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'With mirror: also remove the tags that the filters leave out, which earlier filters brought. Without, they stay as they are ' +
      '(Task.tagsOutsideFilter). confirmRemoval counts these removals, too.',
  })
  pruneFiltered?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Only find out what would change: no blob is fetched, no version made. The answer is in Task.plan.',
  })
  dryRun?: boolean | null;

  @Field(() => SyncOverridesInput, {
    nullable: true,
    description: 'Options of this sync alone. Task.overrides shows them.',
  })
  overrides?: SyncOverridesInput | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Allow the sync to turn a repository that was pushed to into a mirror, which refuses pushes from then on. Without, the sync is refused ' +
      'with WOULD_BECOME_MIRROR. A dry run needs no permission. repositoryDetach turns a mirror back.',
  })
  convertToMirror?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'For a repository that was created for this sync: delete it again when the sync fails, is canceled or is a dry run, together with its ' +
      'remote where nothing else uses that. A repository that has a version, a schedule or another distribution is kept.',
  })
  discardUnlessSynced?: boolean | null;
}

@ObjectType('SyncOverrides', {
  description: 'Options that one sync used in place of those of its remote. Null: as the remote says.',
  simpleResolvers: true,
})
export class SyncOverridesType {
  @Field(() => [String], { nullable: true, description: 'Tags to sync; empty: every tag.' })
  includeTags!: readonly string[] | null;

  @Field(() => [String], { nullable: true, description: 'Tags to leave out; empty: none.' })
  excludeTags!: readonly string[] | null;

  @Field(() => RemotePolicyEnum, { nullable: true, description: 'When blobs are fetched.' })
  policy!: RemotePolicy | null;

  @Field(() => Int, { nullable: true, description: 'Requests in flight in the whole sync.' })
  downloadConcurrency!: number | null;
}

/** A cleared filter is told from one that was not given. */
function shown(patterns: readonly string[] | null | undefined): readonly string[] | null {
  return patterns === undefined ? null : (patterns ?? []);
}

export function toSyncOverrides(overrides: SyncOverrides | undefined): SyncOverridesType | null {
  if (overrides === undefined) return null;
  const { includeTags, excludeTags, policy = null, downloadConcurrency = null } = overrides;
  return Object.assign(new SyncOverridesType(), {
    includeTags: shown(includeTags),
    excludeTags: shown(excludeTags),
    policy,
    downloadConcurrency,
  });
}
