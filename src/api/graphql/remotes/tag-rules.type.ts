import { Field, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { MinimumAgeScope, SemverGroup, TagFailureMode, TagOrder } from '../../../selection/tag-rules.ts';

const SemverGroupEnum = { ALL: 'ALL', MAJOR: 'MAJOR', MINOR: 'MINOR' } as const;
registerEnumType(SemverGroupEnum, {
  name: 'SemverGroup',
  description: 'How `newestTags` groups tags.',
  valuesConfig: {
    ALL: { description: 'All tags are one group.' },
    MAJOR: { description: 'A group for each major version. Only versions count.' },
    MINOR: { description: 'A group for each minor version. Only versions count.' },
  },
});

const TagOrderEnum = { SEMVER: 'SEMVER', CREATED: 'CREATED', FIRST_SEEN: 'FIRST_SEEN' } as const;
registerEnumType(TagOrderEnum, {
  name: 'TagOrder',
  description: 'What decides which tags are newer.',
  valuesConfig: {
    SEMVER: { description: 'The order of versions (semver.org). Only versions count.' },
    CREATED: {
      description:
        'When the image was created, by its config; of an index, the newest of its images. The upstream is asked for every selected tag.',
    },
    FIRST_SEEN: {
      description: "When a sync first saw the tag in the upstream's list, by the clock of the database.",
    },
  },
});

const MinimumAgeScopeEnum = { ALL: 'ALL', MOVED: 'MOVED' } as const;
registerEnumType(MinimumAgeScopeEnum, {
  name: 'MinimumAgeScope',
  description: 'Which tags wait for `minimumAgeSeconds`.',
  valuesConfig: {
    ALL: { description: 'New tags, and tags that moved.' },
    MOVED: { description: 'Tags that moved. New tags are taken at once.' },
  },
});

const TagFailureModeEnum = { SKIP_TAG: 'SKIP_TAG', FAIL_SYNC: 'FAIL_SYNC' } as const;
registerEnumType(TagFailureModeEnum, {
  name: 'TagFailureMode',
  description: 'What a sync does about a tag that the upstream cannot deliver.',
  valuesConfig: {
    SKIP_TAG: { description: 'Leaves the tag as the repository has it, and syncs the others.' },
    FAIL_SYNC: { description: 'Fails without a change.' },
  },
});

const newestText = {
  count: 'How many tags are kept in each group, 1 to 10000.',
  order: 'What decides which tags are newer.',
  per: 'How tags are grouped.',
};

@ObjectType('NewestTags', { description: 'Keeps the newest tags of each group.', simpleResolvers: true })
export class NewestTagsType {
  @Field(() => Int, { description: newestText.count })
  count!: number;

  @Field(() => TagOrderEnum, { description: newestText.order })
  order!: TagOrder;

  @Field(() => SemverGroupEnum, { description: newestText.per })
  per!: SemverGroup;
}

@InputType({ description: 'Keeps the newest tags of each group.' })
export class NewestTagsInput {
  @Field(() => Int, { description: newestText.count })
  count!: number;

  @Field(() => TagOrderEnum, { nullable: true, defaultValue: 'SEMVER', description: newestText.order })
  order?: TagOrder | null;

  @Field(() => SemverGroupEnum, { nullable: true, defaultValue: 'ALL', description: newestText.per })
  per?: SemverGroup | null;
}

/** Descriptions shared by the remote and its inputs (docs/selection.md). */
export const ruleText = {
  includeTagPatterns:
    'Tags to sync, as regular expressions of RE2 that match the whole tag, each up to 1000 characters; at most 100. Null: none. ' +
    'A tag is included when includeTags, a pattern or a range includes it; without any of them every tag is.',
  excludeTagPatterns:
    'Tags to exclude, as regular expressions of RE2 that match the whole tag; at most 100. Null: none.',
  semverRanges:
    'Tags to sync, as node-semver ranges, for example ">=1.2 <2"; at most 100. A leading v is ignored, missing parts are 0. Null: none.',
  semverPrereleases:
    'Whether ranges take every pre-release. Otherwise a range takes the pre-releases of a version that it names with one.',
  semverSuffix:
    'The variant whose tags ranges and newestTags take, for example "alpine" for 1.27.4-alpine. Null: tags without a variant.',
  newestTags:
    'Keeps only the newest of the tags that the other rules leave. Names without a wildcard in includeTags are always kept. ' +
    'A mirror sync removes the others. Null: all are kept.',
  platforms:
    'Platforms to sync, as os/architecture or os/architecture/variant, for example "linux/amd64"; at most 100. Without a variant every ' +
    'variant is synced. An index keeps its bytes; its manifests for other platforms are absent from the version. A single image for another ' +
    'platform is left out. Null: all platforms.',
  immutableTags:
    'Tags that never move, as names and shell wildcards; at most 1000. A sync does not ask for such a tag, nor for its signatures and other ' +
    'referrers, while the repository has it. Null: none.',
  minimumAgeSeconds:
    'How long ago a sync must first have seen a digest under its tag before the tag takes it, 1 to 315360000 seconds, by the clock of the ' +
    'database. Until then a tag that moved keeps its digest, and a new tag is absent. Companion tags of images do not wait. Null: no time.',
  minimumAgeFor: 'Which tags wait for `minimumAgeSeconds`.',
  tagFailures:
    'What a sync does about a tag whose content is damaged, missing, refused or of an unsupported kind. A sync of which no tag could be ' +
    'had fails in any case.',
};

/** The field `semverPrereleases`. */
export function PrereleasesField(options: { nullable?: boolean; defaultValue?: false } = {}) {
  return Field(() => Boolean, { ...options, description: ruleText.semverPrereleases });
}

/** The field `minimumAgeFor`. */
export function ScopeField(options: { nullable?: boolean; defaultValue?: 'ALL' } = {}) {
  return Field(() => MinimumAgeScopeEnum, { ...options, description: ruleText.minimumAgeFor });
}

/** The field `tagFailures`. */
export function FailuresField(options: { nullable?: boolean; defaultValue?: 'SKIP_TAG' } = {}) {
  return Field(() => TagFailureModeEnum, { ...options, description: ruleText.tagFailures });
}

/** A subclass may give a field a default. */
@InputType()
export abstract class TagRuleSettings {
  @PrereleasesField({ nullable: true })
  semverPrereleases?: boolean | null;

  @ScopeField({ nullable: true })
  minimumAgeFor?: MinimumAgeScope | null;

  @FailuresField({ nullable: true })
  tagFailures?: TagFailureMode | null;

  @Field(() => [String], { nullable: true, description: ruleText.includeTagPatterns })
  includeTagPatterns?: string[] | null;

  @Field(() => [String], { nullable: true, description: ruleText.excludeTagPatterns })
  excludeTagPatterns?: string[] | null;

  @Field(() => [String], { nullable: true, description: ruleText.semverRanges })
  semverRanges?: string[] | null;

  @Field(() => String, { nullable: true, description: ruleText.semverSuffix })
  semverSuffix?: string | null;

  @Field(() => NewestTagsInput, { nullable: true, description: ruleText.newestTags })
  newestTags?: NewestTagsInput | null;

  @Field(() => [String], { nullable: true, description: ruleText.immutableTags })
  immutableTags?: string[] | null;

  @Field(() => Int, { nullable: true, description: ruleText.minimumAgeSeconds })
  minimumAgeSeconds?: number | null;

  @Field(() => [String], { nullable: true, description: ruleText.platforms })
  platforms?: string[] | null;
}
