import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { UNIT_SECONDS } from '../config-values.ts';
import { collect } from './command.ts';

/** Options for the rules of a remote beside names and wildcards (docs/selection.md). */
export interface TagRuleOptions {
  readonly tagPattern?: readonly string[];
  readonly excludeTagPattern?: readonly string[];
  readonly semver?: readonly string[];
  readonly prereleases?: boolean;
  readonly semverSuffix?: string;
  /** A count of 0 clears the rule. */
  readonly newest?: NewestTags;
  readonly immutableTag?: readonly string[];
  readonly platform?: readonly string[];
  /** Seconds; 0 clears the rule. */
  readonly minimumAge?: number;
  readonly minimumAgeFor?: string;
  readonly tagFailures?: string;
}

interface NewestTags {
  readonly count: number;
  readonly per: string;
  readonly order: string;
}

/** The same rules as the API has them, in queries and inputs. */
export interface TagRules {
  readonly includeTagPatterns?: readonly string[] | null | undefined;
  readonly excludeTagPatterns?: readonly string[] | null | undefined;
  readonly semverRanges?: readonly string[] | null | undefined;
  readonly semverPrereleases?: boolean | undefined;
  readonly semverSuffix?: string | null | undefined;
  readonly newestTags?: NewestTags | null | undefined;
  readonly immutableTags?: readonly string[] | null | undefined;
  readonly platforms?: readonly string[] | null | undefined;
  readonly minimumAgeSeconds?: number | null | undefined;
  readonly minimumAgeFor?: string | undefined;
  readonly tagFailures?: string | undefined;
}

export const tagRuleFields =
  'includeTagPatterns excludeTagPatterns semverRanges semverPrereleases semverSuffix newestTags { count per order } immutableTags platforms minimumAgeSeconds minimumAgeFor tagFailures';

export function withTagRules(command: Command): void {
  command
    .option(
      '--tag-pattern <regex>',
      "tags that match this RE2 expression as a whole; repeatable; '' for none",
      collect,
    )
    .option('--exclude-tag-pattern <regex>', "not the tags that match; repeatable; '' for none", collect)
    .option('--semver <range>', "versions in this range: '>=1.2 <2'; repeatable; '' for none", collect)
    .option('--prereleases', 'ranges include pre-releases')
    .option('--no-prereleases', 'ranges include only the pre-releases that they name')
    .option('--semver-suffix <variant>', "versions of this variant: alpine for 1.27.4-alpine; '' for none")
    .option(
      '--newest <n>',
      'only the newest n versions: 5, 2/major, 3/minor; or by time: 5/created, 5/first-seen; 0 for all',
      readNewest,
    )
    .option('--immutable-tag <name>', "tags that never move: 'v*'; repeatable; '' for none", collect)
    .option(
      '--platform <os/arch>',
      "only images for this platform: linux/amd64; repeatable; '' for all",
      collect,
    )
    .option(
      '--minimum-age <time>',
      'only digests that were first seen this long ago: 7d, 36h, 90m, 600s; 0 for no time',
      readAge,
    )
    .addOption(
      new Option(
        '--minimum-age-for <tags>',
        'tags that wait for --minimum-age: all (default), or only moved ones',
      ).choices(['all', 'moved']),
    )
    .addOption(
      new Option(
        '--tag-failures <mode>',
        'tags that the upstream cannot deliver: skip-tag (default), fail-sync',
      ).choices(['skip-tag', 'fail-sync']),
    );
}

function readNewest(text: string): NewestTags {
  const [, count = '', per = 'all', order = 'semver'] =
    /^(\d{1,5})(?:\/(major|minor))?(?:\/(semver|created|first-seen))?$/.exec(text) ?? [];
  if (count === '')
    throw new InvalidArgumentError(
      'Expected a number of tags, for all or for each group, and what makes a tag newer: 5, 2/major, 5/created, 2/minor/first-seen.',
    );
  return { count: Number(count), per: per.toUpperCase(), order: order.toUpperCase().replace('-', '_') };
}

export function readAge(text: string): number {
  const [, count = '', unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? [];
  if (count === '')
    throw new InvalidArgumentError('Expected a time in days, hours, minutes or seconds: 7d, 36h, 90m, 600s.');
  return Number(count) * (UNIT_SECONDS[unit] ?? Number.NaN);
}

/** Undefined: not given. Null: cleared. */
export function readTagRules(options: TagRuleOptions): TagRules {
  return {
    includeTagPatterns: listOf(options.tagPattern),
    excludeTagPatterns: listOf(options.excludeTagPattern),
    semverRanges: listOf(options.semver),
    semverPrereleases: options.prereleases,
    semverSuffix: options.semverSuffix === '' ? null : options.semverSuffix,
    newestTags: options.newest?.count === 0 ? null : options.newest,
    immutableTags: listOf(options.immutableTag),
    platforms: listOf(options.platform),
    minimumAgeSeconds: options.minimumAge === 0 ? null : options.minimumAge,
    minimumAgeFor: options.minimumAgeFor?.toUpperCase(),
    tagFailures: options.tagFailures?.toUpperCase().replace('-', '_'),
  };
}

function listOf(values: readonly string[] | undefined): readonly string[] | null | undefined {
  const given = values?.filter((value) => value !== '');
  return given?.length === 0 ? null : given;
}

/** Whether a pattern or a range includes tags; otherwise `includeTags` alone does. */
export function includesByRule({ includeTagPatterns, semverRanges }: TagRules): boolean {
  return (includeTagPatterns ?? []).length + (semverRanges ?? []).length > 0;
}

/** Lines of `remote show`. */
export function describeTagRules(rules: TagRules): [string, string | null][] {
  const { newestTags } = rules;
  return [
    ['tag patterns', rules.includeTagPatterns?.join('  ') ?? null],
    ['excluded patterns', rules.excludeTagPatterns?.join('  ') ?? null],
    ['versions', rules.semverRanges?.join(' || ') ?? null],
    ['pre-releases', rules.semverPrereleases === true ? 'included' : null],
    ['variant', rules.semverSuffix ?? null],
    ['platforms', rules.platforms?.join(', ') ?? null],
    ['newest', newestTags ? describeNewest(newestTags) : null],
    ['immutable tags', rules.immutableTags?.join(', ') ?? null],
    [
      'minimum age',
      rules.minimumAgeSeconds
        ? `${rules.minimumAgeSeconds} s${rules.minimumAgeFor === 'MOVED' ? ', of tags that move' : ''}`
        : null,
    ],
    ['tag failures', rules.tagFailures === 'FAIL_SYNC' ? 'fail the sync' : null],
  ];
}

const orderTexts: Readonly<Record<string, string>> = {
  CREATED: ', by the time of creation',
  FIRST_SEEN: ', by the time when a sync first saw the tag',
};

function describeNewest({ count, per, order }: NewestTags): string {
  const group = per === 'ALL' ? '' : ` of each ${per.toLowerCase()} version`;
  return `${count}${group}${orderTexts[order] ?? ''}`;
}
