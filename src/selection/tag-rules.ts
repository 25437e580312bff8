export type List = readonly string[] | null | undefined;

/** Which tags are selected (docs/selection.md). Null, absent and empty lists are alike. */
export interface TagRules {
  /** Tag names, shell wildcards and digests. */
  readonly includeTags?: List;
  /** RE2, matched against the whole tag. */
  readonly includeTagPatterns?: List;
  /** node-semver ranges. Without any include rule, every tag is included. */
  readonly semverRanges?: List;
  readonly semverPrereleases?: boolean | undefined;
  readonly semverSuffix?: string | null | undefined;
  /** Exclusions are applied after inclusions, to digests too. */
  readonly excludeTags?: List;
  readonly excludeTagPatterns?: List;
}

/** The fields that include tags. */
export const includeFields = ['includeTags', 'includeTagPatterns', 'semverRanges'] as const;

/** The rules with one entry of one list alone. */
export function withOnly(
  { semverPrereleases, semverSuffix }: TagRules,
  field: (typeof includeFields)[number] | 'excludeTags' | 'excludeTagPatterns',
  entry: string,
): TagRules {
  return { [field]: [entry], semverPrereleases, semverSuffix };
}

/** All rules of a remote, or of the selection that a sync began with. */
export function rulesOf<Names extends object>(
  selection: Names & { readonly tagRules?: FurtherRules | undefined },
): Names & FurtherRules {
  return { ...selection, ...selection.tagRules };
}

/** The rules that a remote keeps beside `includeTags` and `excludeTags`. */
export interface FurtherRules extends Omit<TagRules, 'includeTags' | 'excludeTags'> {
  readonly newestTags?: NewestTags | null | undefined;
  /** `os/architecture[/variant]` of the images to take; null: all. */
  readonly platforms?: List;
  /** Wildcards of tags that never move: a present one is not asked for again. */
  readonly immutableTags?: List;
  /** How long a digest must have been seen before a tag takes it; null: no time. */
  readonly minimumAgeSeconds?: number | null | undefined;
  /** Default ALL. */
  readonly minimumAgeFor?: MinimumAgeScope | undefined;
  /** Default SKIP_TAG. */
  readonly tagFailures?: TagFailureMode | undefined;
}

/** Whether new tags wait for the minimum age as well, or only tags that move. */
export type MinimumAgeScope = 'ALL' | 'MOVED';

/** Whether a tag that the upstream cannot deliver is skipped, or fails the sync. */
export const tagFailureModes = ['SKIP_TAG', 'FAIL_SYNC'] as const;
export type TagFailureMode = (typeof tagFailureModes)[number];

/** Null clears a rule. */
export type RuleChanges = { readonly [Field in keyof FurtherRules]?: FurtherRules[Field] | null };

export type SemverGroup = 'ALL' | 'MAJOR' | 'MINOR';

/** SEMVER: by version. CREATED: when the image was created. FIRST_SEEN: when a sync first saw the tag in the upstream's list. */
export type TagOrder = 'SEMVER' | 'CREATED' | 'FIRST_SEEN';

/** Keeps the newest `count` tags of each group. */
export interface NewestTags {
  readonly count: number;
  readonly per: SemverGroup;
  /** Default SEMVER. */
  readonly order?: TagOrder | undefined;
}

export interface MinimumAge {
  readonly seconds: number;
  readonly scope: MinimumAgeScope;
}

/** Undefined if there is no minimum age. */
export function minimumAgeOf({ minimumAgeSeconds, minimumAgeFor }: FurtherRules): MinimumAge | undefined {
  return minimumAgeSeconds == null
    ? undefined
    : { seconds: minimumAgeSeconds, scope: minimumAgeFor ?? 'ALL' };
}

/** The rules of a remote, with their defaults. */
export function withRuleDefaults(rules: FurtherRules) {
  return {
    includeTagPatterns: rules.includeTagPatterns ?? null,
    excludeTagPatterns: rules.excludeTagPatterns ?? null,
    semverRanges: rules.semverRanges ?? null,
    semverSuffix: rules.semverSuffix ?? null,
    semverPrereleases: rules.semverPrereleases ?? false,
    immutableTags: rules.immutableTags ?? null,
    minimumAgeSeconds: rules.minimumAgeSeconds ?? null,
    minimumAgeFor: rules.minimumAgeFor ?? 'ALL',
    tagFailures: rules.tagFailures ?? 'SKIP_TAG',
    newestTags: rules.newestTags ? { order: 'SEMVER', ...rules.newestTags } : null,
    platforms: rules.platforms ?? null,
  } as const;
}
