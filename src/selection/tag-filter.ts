import { isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { TidemarkError, quoteValue } from '../oci/error.ts';
import { validateRules } from './rule-mistakes.ts';
import type { RuleList } from './rule-mistakes.ts';
import { compileRanges } from './semver-ranges.ts';
import { compileTagPattern } from './tag-patterns.ts';
import type { List, TagRules } from './tag-rules.ts';
import { parseTagVersion } from './tag-version.ts';
import type { TagVersion } from './tag-version.ts';
import { matchesWildcard, parseWildcard } from './wildcard.ts';
import type { Wildcard } from './wildcard.ts';

export interface TagFilter {
  /** Whether a tag passes the include and exclude rules. */
  matches(name: string): boolean;
  /** Which rule decides about a tag, and why. */
  explain(name: string): Decision;
  /** Included names without a wildcard that are not excluded, each once: fetched without listing. */
  readonly exactNames: readonly string[];
  /** Digests to keep as untagged manifests, each once. */
  readonly digests: readonly Digest[];
  /** Whether the upstream's list of tags is needed. */
  readonly needsListing: boolean;
  /** Whether there is no include rule. */
  readonly includesAll: boolean;
}

export interface Decision {
  readonly isSelected: boolean;
  /** The field of the remote that decides; null where no rule does and every tag is included. */
  readonly rule: keyof TagRules | null;
  readonly detail: string;
}

/** One entry of a list. */
interface Entry {
  readonly field: RuleList;
  readonly index: number;
  readonly text: string;
  matches(name: string, version: TagVersion | undefined): boolean;
}

/**
 * Compiles the rules. Matching is case-sensitive, as tags are.
 * @throws TidemarkError `INVALID` (origin caller) for an entry that `validateRules` reports.
 */
export function compileTagFilter(rules: TagRules): TagFilter {
  const names = compileNames('includeTags', rules.includeTags);
  const excludedNames = compileNames('excludeTags', rules.excludeTags);
  const include = [
    ...names.wildcards,
    ...compilePatterns('includeTagPatterns', rules.includeTagPatterns),
    ...compileVersions(rules),
  ];
  const exclude = [
    ...excludedNames.wildcards,
    ...compilePatterns('excludeTagPatterns', rules.excludeTagPatterns),
  ];
  const includesAll = include.length + names.exact.size + names.digests.size === 0;
  const readsVersions = (rules.semverRanges ?? []).length > 0;
  const versionOf = (name: string) => (readsVersions ? parseTagVersion(name) : undefined);
  const findExclusion = (name: string): Entry | undefined =>
    excludedNames.exact.get(name) ?? exclude.find((entry) => entry.matches(name, undefined));
  const findInclusion = (name: string): Entry | undefined => {
    const version = versionOf(name);
    return names.exact.get(name) ?? include.find((entry) => entry.matches(name, version));
  };
  return {
    matches: (name) =>
      (includesAll || findInclusion(name) !== undefined) && findExclusion(name) === undefined,
    explain(name) {
      const inclusion = findInclusion(name);
      if (!includesAll && inclusion === undefined) return describeMiss(name, rules);
      const exclusion = findExclusion(name);
      if (exclusion !== undefined) return describeEntry(exclusion, false);
      if (inclusion !== undefined) return describeEntry(inclusion, true);
      return {
        isSelected: true,
        rule: null,
        detail: 'No rule includes particular tags, so every tag is included.',
      };
    },
    exactNames: [...names.exact.keys()].filter((name) => findExclusion(name) === undefined),
    digests: [...names.digests].filter((digest) => !excludedNames.digests.has(digest)),
    needsListing: includesAll || include.length > 0,
    includesAll,
  };
}

function describeEntry({ field, index, text }: Entry, isSelected: boolean): Decision {
  const verb = isSelected ? 'includes' : 'excludes';
  return { isSelected, rule: field, detail: `${field}[${index}], ${quoteValue(text)}, ${verb} it.` };
}

function describeMiss(name: string, rules: TagRules): Decision {
  const fields = (['includeTags', 'includeTagPatterns', 'semverRanges'] as const).filter(
    (field) => (rules[field] ?? []).length > 0,
  );
  const sentences = [`Nothing in ${fields.join(', ')} includes it.`];
  if (fields.includes('semverRanges')) sentences.push(describeVersion(name, rules));
  return { isSelected: false, rule: fields[0] ?? null, detail: sentences.join(' ') };
}

function describeVersion(name: string, { semverSuffix, semverPrereleases }: TagRules): string {
  const parsed = parseTagVersion(name);
  if (parsed === undefined) return 'It is not a version.';
  const { version, variant } = parsed;
  if ((variant ?? null) !== (semverSuffix ?? null))
    return (
      `It is version ${version.version} ${variant === undefined ? 'without a variant' : `of the variant ${quoteValue(variant)}`}; ` +
      `semverSuffix is ${semverSuffix == null ? 'not set' : quoteValue(semverSuffix)}.`
    );
  const isHeldBack = version.prerelease.length > 0 && semverPrereleases !== true;
  return `It is version ${version.version}${isHeldBack ? ', a pre-release, and semverPrereleases is off' : ''}.`;
}

function compileNames(field: 'includeTags' | 'excludeTags', list: List) {
  const patterns = assertUsable(field, list);
  const exact = new Map<string, Entry>();
  const wildcards: Entry[] = [];
  for (const [index, text] of patterns.entries()) {
    if (isDigest(text)) continue;
    const wildcard = parseUsable(text);
    const name = wildcard.exactName;
    const entry = { field, index, text, matches: (tag: string) => matchesWildcard(wildcard, tag) };
    if (name === undefined) wildcards.push(entry);
    else if (!exact.has(name)) exact.set(name, entry);
  }
  return { exact, wildcards, digests: new Set(patterns.filter(isDigest)) };
}

function compilePatterns(field: 'includeTagPatterns' | 'excludeTagPatterns', list: List): Entry[] {
  return assertUsable(field, list).map((text, index) => {
    const pattern = compileTagPattern(text);
    return { field, index, text, matches: (name) => pattern.matches(name) };
  });
}

function compileVersions({ semverRanges, semverPrereleases, semverSuffix }: TagRules): Entry[] {
  const field = 'semverRanges';
  return assertUsable(field, semverRanges).map((text, index) => {
    const takes = compileRanges({
      ranges: [text],
      prereleases: semverPrereleases === true,
      suffix: semverSuffix ?? null,
    });
    return { field, index, text, matches: (_name, version) => version !== undefined && takes(version) };
  });
}

function assertUsable(field: RuleList, list: List): readonly string[] {
  const entries = list ?? [];
  const mistake = validateRules(field, entries)[0];
  if (mistake === undefined) return entries;
  throw new TidemarkError(
    'INVALID',
    `${field}[${mistake.index}], ${quoteValue(entries[mistake.index])}: ${mistake.message}`,
    { origin: 'caller' },
  );
}

function parseUsable(pattern: string): Wildcard {
  const wildcard = parseWildcard(pattern);
  if ('mistake' in wildcard) throw new TidemarkError('INVALID', wildcard.mistake, { origin: 'caller' });
  return wildcard;
}
