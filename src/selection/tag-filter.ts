import { isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { TidemarkError, quoteValue } from '../oci/error.ts';
import { validateRules } from './rule-mistakes.ts';
import type { RuleList } from './rule-mistakes.ts';
import { compileRanges } from './semver-ranges.ts';
import { PatternMistake, compileTagPattern } from './tag-patterns.ts';
import type { List, TagRules } from './tag-rules.ts';
import { parseTagVersion } from './tag-version.ts';
import type { TagVersion } from './tag-version.ts';
import { matchesWildcard, parseWildcard } from './wildcard.ts';
import type { Wildcard } from './wildcard.ts';

export interface TagFilter {
  /** Whether a tag passes the include and exclude rules. */
  matches(name: string): boolean;
  /** Included names without a wildcard that are not excluded, each once: fetched without listing. */
  readonly exactNames: readonly string[];
  /** Digests to keep as untagged manifests, each once. */
  readonly digests: readonly Digest[];
  /** Whether the upstream's list of tags is needed. */
  readonly needsListing: boolean;
  /** Whether there is no include rule. */
  readonly includesAll: boolean;
}

type Matcher = (name: string, version: TagVersion | undefined) => boolean;

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
  const isIncluded = (name: string): boolean => {
    if (includesAll || names.exact.has(name)) return true;
    const version = readsVersions ? parseTagVersion(name) : undefined;
    return include.some((matches) => matches(name, version));
  };
  const isExcluded = (name: string): boolean =>
    excludedNames.exact.has(name) || exclude.some((matches) => matches(name, undefined));
  return {
    matches: (name) => isIncluded(name) && !isExcluded(name),
    exactNames: [...names.exact].filter((name) => !isExcluded(name)),
    digests: [...names.digests].filter((digest) => !excludedNames.digests.has(digest)),
    needsListing: includesAll || include.length > 0,
    includesAll,
  };
}

function compileNames(field: 'includeTags' | 'excludeTags', list: List) {
  const patterns = assertUsable(field, list);
  const parsed = patterns.filter((pattern) => !isDigest(pattern)).map(parseUsable);
  const wildcards = parsed.filter(({ exactName }) => exactName === undefined);
  return {
    exact: new Set(parsed.flatMap(({ exactName }) => exactName ?? [])),
    wildcards: wildcards.map(
      (wildcard): Matcher =>
        (name) =>
          matchesWildcard(wildcard, name),
    ),
    digests: new Set(patterns.filter(isDigest)),
  };
}

function compilePatterns(field: 'includeTagPatterns' | 'excludeTagPatterns', list: List): Matcher[] {
  return (list ?? []).map((text, index) => {
    try {
      const pattern = compileTagPattern(text);
      return (name) => pattern.matches(name);
    } catch (error) {
      throw error instanceof PatternMistake
        ? unusable(field, { index, text, message: error.message })
        : error;
    }
  });
}

function compileVersions({ semverRanges, semverPrereleases, semverSuffix }: TagRules): Matcher[] {
  const ranges = assertUsable('semverRanges', semverRanges);
  if (ranges.length === 0) return [];
  const takes = compileRanges({
    ranges,
    prereleases: semverPrereleases === true,
    suffix: semverSuffix ?? null,
  });
  return [(_name, version) => version !== undefined && takes(version)];
}

function assertUsable(field: RuleList, list: List): readonly string[] {
  const entries = list ?? [];
  const mistake = validateRules(field, entries)[0];
  if (mistake === undefined) return entries;
  throw unusable(field, { ...mistake, text: entries[mistake.index] });
}

function unusable(
  field: RuleList,
  {
    index,
    text,
    message,
  }: { readonly index: number; readonly text: string | undefined; readonly message: string },
): TidemarkError {
  return new TidemarkError('INVALID', `${field}[${index}], ${quoteValue(text)}: ${message}`, {
    origin: 'caller',
  });
}

function parseUsable(pattern: string): Wildcard {
  const wildcard = parseWildcard(pattern);
  if ('mistake' in wildcard) throw new TidemarkError('INVALID', wildcard.mistake, { origin: 'caller' });
  return wildcard;
}
