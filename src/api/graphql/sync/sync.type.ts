import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { RemotePolicy } from '../../../db/schema/remotes.ts';
import type { SyncOverrides } from '../../../db/schema/tasks.ts';
import { RemotePolicyEnum } from '../remotes/remote-policy.ts';
import { TagRuleSettings } from '../remotes/tag-rules.type.ts';

@InputType('SyncOverridesInput', {
  description:
    "Options that replace those of the remote in this sync only. The remote does not change. Omitted: the remote's option applies.",
})
export class SyncOverridesInput extends TagRuleSettings {
  @Field(() => [String], {
    nullable: true,
    description: 'Tags to sync, as in RemoteCreateInput; null: every tag.',
  })
  includeTags?: string[] | null;

  @Field(() => [String], {
    nullable: true,
    description: 'Tags to exclude, as in RemoteCreateInput; null: none.',
  })
  excludeTags?: string[] | null;

  @Field(() => RemotePolicyEnum, { nullable: true, description: 'When blobs are fetched.' })
  policy?: RemotePolicy | null;

  @Field(() => Int, { nullable: true, description: 'Maximum number of concurrent requests, 1 to 100.' })
  downloadConcurrency?: number | null;
}

@InputType('RepositorySyncInput', { description: 'A sync of a repository from a remote.' })
export class RepositorySyncInput {
  @Field(() => ID, { description: 'The repository. It gets a new version if anything changed.' })
  repositoryId!: string;

  @Field(() => ID, { nullable: true, description: "The remote to sync from; null: the repository's own." })
  remoteId?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Also remove tags that the filters select and the upstream no longer has. False: only add and move tags.',
  })
  mirror?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Allow a mirror sync to remove all tags, or more than half of ten or more tags. Otherwise such a sync fails with MASS_REMOVAL_REFUSED.',
  })
  confirmRemoval?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'With mirror: also remove tags that the filters leave out. False: they are kept (Task.tagsOutsideFilter). The limit of confirmRemoval ' +
      'includes these removals.',
  })
  pruneFiltered?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Only compute the changes: no blob is fetched and no version is created. Task.plan contains the result.',
  })
  dryRun?: boolean | null;

  @Field(() => SyncOverridesInput, {
    nullable: true,
    description: 'Options for this sync only. Task.overrides returns them.',
  })
  overrides?: SyncOverridesInput | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Also store the overrides in the remote, for later syncs and schedules. Needs the role maintainer for the remote. ' +
      'Refused with INVALID together with dryRun.',
  })
  saveOverrides?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Allow the sync to turn a repository with pushed content into a mirror, which refuses pushes. Otherwise the sync is refused with ' +
      'WOULD_BECOME_MIRROR. Not needed for a dry run. repositoryDetach reverts it.',
  })
  convertToMirror?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Delete the repository when the sync fails, is canceled or is a dry run, together with its remote unless something else uses that. For ' +
      'repositories that were created for this sync: one that has a version, a schedule or another distribution is kept.',
  })
  discardUnlessSynced?: boolean | null;
}

@ObjectType('SyncOverrides', {
  description: "Options of one sync that replaced those of its remote. Null: the remote's option applied.",
  simpleResolvers: true,
})
export class SyncOverridesType {
  @Field(() => [String], { nullable: true, description: 'Selected tags; empty: every tag.' })
  includeTags!: readonly string[] | null;

  @Field(() => [String], { nullable: true, description: 'Excluded tags; empty: none.' })
  excludeTags!: readonly string[] | null;

  @Field(() => RemotePolicyEnum, { nullable: true, description: 'When blobs are fetched.' })
  policy!: RemotePolicy | null;

  @Field(() => Int, { nullable: true, description: 'Maximum number of concurrent requests.' })
  downloadConcurrency!: number | null;

  @Field(() => [String], {
    description:
      'Names of the other fields of the remote that were replaced or cleared, for example "semverRanges".',
  })
  rules!: readonly string[];
}

/** Distinguishes a cleared filter from an omitted one. */
function shown(patterns: readonly string[] | null | undefined): readonly string[] | null {
  return patterns === undefined ? null : (patterns ?? []);
}

export function toSyncOverrides(overrides: SyncOverrides | undefined): SyncOverridesType | null {
  if (overrides === undefined) return null;
  const { includeTags, excludeTags, policy = null, downloadConcurrency = null, tagRules = {} } = overrides;
  return Object.assign(new SyncOverridesType(), {
    includeTags: shown(includeTags),
    excludeTags: shown(excludeTags),
    policy,
    downloadConcurrency,
    rules: Object.keys(tagRules).sort(),
  });
}
