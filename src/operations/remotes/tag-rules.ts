import { quoteValue } from '../../oci/error.ts';
import { platformMistake } from '../../selection/platforms.ts';
import type { MinimumAgeScope, SemverGroup, TagFailureMode, TagOrder } from '../../selection/tag-rules.ts';
import { validateRules } from '../../selection/rule-mistakes.ts';
import type { RuleList } from '../../selection/rule-mistakes.ts';
import type { RuleChanges } from '../../selection/tag-rules.ts';
import { checkInteger, invalid } from '../mistakes.ts';
import type { Checked } from '../mistakes.ts';

export interface NewestTagsWish {
  readonly count: number;
  /** Default ALL. */
  readonly per?: SemverGroup | null | undefined;
  /** Default SEMVER. */
  readonly order?: TagOrder | null | undefined;
}

/** In an update, undefined keeps a rule and null clears it. */
export interface TagRuleFields {
  readonly includeTagPatterns?: string[] | null | undefined;
  readonly excludeTagPatterns?: string[] | null | undefined;
  readonly semverRanges?: string[] | null | undefined;
  readonly semverPrereleases?: boolean | null | undefined;
  readonly semverSuffix?: string | null | undefined;
  readonly newestTags?: NewestTagsWish | null | undefined;
  readonly immutableTags?: string[] | null | undefined;
  readonly platforms?: string[] | null | undefined;
  readonly minimumAgeSeconds?: number | null | undefined;
  readonly minimumAgeFor?: MinimumAgeScope | null | undefined;
  readonly tagFailures?: TagFailureMode | null | undefined;
}

/** Wildcards cost little; each tag of the upstream is matched against every pattern and range. */
const entriesAtMost: Readonly<Record<RuleList, number>> = {
  includeTags: 1_000,
  excludeTags: 1_000,
  immutableTags: 1_000,
  includeTagPatterns: 100,
  excludeTagPatterns: 100,
  semverRanges: 100,
};

export function checkRuleList(field: RuleList, entries: readonly string[]): Checked[] {
  const most = entriesAtMost[field];
  if (entries.length > most)
    return [invalid(field, `${field} has ${entries.length} entries; at most ${most} are accepted.`)];
  return validateRules(field, entries).map(({ index, message }) =>
    invalid([field, String(index)], `${field}[${index}] is ${quoteValue(entries[index])}: ${message}`),
  );
}

export function checkSuffix(suffix: string): Checked {
  if (/^[0-9A-Za-z][0-9A-Za-z.-]{0,99}$/.test(suffix)) return undefined;
  return invalid(
    'semverSuffix',
    `semverSuffix is ${quoteValue(suffix)}; expected the part of a tag after the version and its dash, for example "alpine".`,
  );
}

export function checkNewest({ count }: NewestTagsWish): Checked {
  const checked = checkInteger('count', count, [1, 10_000]);
  return checked && { ...checked, field: ['newestTags', 'count'] };
}

const yearSeconds = 31_536_000;

export function checkMinimumAge(seconds: number): Checked {
  return checkInteger('minimumAgeSeconds', seconds, [1, 10 * yearSeconds]);
}

const platformsAtMost = 100;

export function checkPlatforms(platforms: readonly string[]): Checked[] {
  if (platforms.length === 0)
    return [invalid('platforms', 'platforms is empty; name at least one platform, or give null for all.')];
  if (platforms.length > platformsAtMost)
    return [
      invalid(
        'platforms',
        `platforms has ${platforms.length} entries; at most ${platformsAtMost} are accepted.`,
      ),
    ];
  return platforms.map((platform, index) => {
    const message = platformMistake(platform);
    if (message === undefined) return undefined;
    return invalid(
      ['platforms', String(index)],
      `platforms[${index}] is ${quoteValue(platform)}; ${message}`,
    );
  });
}

export const ruleFields = [
  'includeTagPatterns',
  'excludeTagPatterns',
  'semverRanges',
  'semverPrereleases',
  'semverSuffix',
  'newestTags',
  'immutableTags',
  'platforms',
  'minimumAgeSeconds',
  'minimumAgeFor',
  'tagFailures',
] as const satisfies readonly (keyof TagRuleFields)[];

/** The rules that are given, as they are stored. */
export function givenRules(given: TagRuleFields): RuleChanges {
  const { newestTags: newest } = given;
  const all = {
    ...given,
    newestTags: newest && {
      count: newest.count,
      per: newest.per ?? 'ALL',
      ...(newest.order && newest.order !== 'SEMVER' && { order: newest.order }),
    },
  };
  const entries = ruleFields.map((field) => [field, all[field]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
