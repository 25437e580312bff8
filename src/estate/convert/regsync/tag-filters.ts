import { quoteValue } from '../../../oci/error.ts';
import type { Source } from '../source.ts';
import { everyTag, tagSet } from '../tag-set.ts';
import type { TagSet } from '../tag-set.ts';
import { literalTag, wholeTagPattern } from '../whole-tag-pattern.ts';
import { notAVersion, outsideRange } from './outside-range.ts';
import { isInRange, parseRegsyncVersion, parseVersionRange } from './version-range.ts';
import type { VersionRange } from './version-range.ts';

/**
 * The sets of tags of an entry: `tagSets` and `tags` are united; in each, `semverRange` comes first, then `allow`, then `deny` (regclient.org,
 * "regsync", "tags" and "tagSets"). Undefined for an entry that cannot be converted; the reason is reported.
 */
export function readTagFilters(tags: Source | undefined, tagSets: Source | undefined): TagSet[] | undefined {
  const sources = [...(tagSets?.list() ?? []), ...(tags === undefined || saysNothing(tags) ? [] : [tags])];
  const sets = sources.map(readTagSet);
  if (sets.includes(undefined)) return undefined;
  const known = sets.flatMap((set) => set ?? []);
  return known.length === 0 ? [everyTag] : known;
}

/** `tags` without a filter does not count; a set of `tagSets` without one takes every tag. */
function saysNothing(tags: Source): boolean {
  const fields = tags.fields();
  return (
    tags.isMapping && ['allow', 'deny', 'semverRange'].flatMap((name) => fields.get(name) ?? []).length === 0
  );
}

function readTagSet(source: Source): TagSet | undefined {
  const fields = source.fields();
  const allow = readPatterns(fields.get('allow'));
  const deny = readPatterns(fields.get('deny'));
  const semverRange = fields.get('semverRange');
  const ranges = readRanges(semverRange);
  if (allow === undefined || deny === undefined || ranges === undefined) return undefined;
  const excluded = [...deny.patterns, ...deny.names.map(escapeTag)];
  if (ranges.length === 0 || semverRange === undefined)
    return tagSet({ ...allow, isOpen: allow.patterns.length + allow.names.length === 0, excluded });
  if (allow.patterns.length + allow.names.length > 0)
    return intersect(semverRange, ranges, { ...allow, excluded });
  semverRange.findings.differs(
    semverRange,
    'Ranges of Tidemark take versions of up to three numbers. regsync also takes 1.2.3.4, and variants such as 1.2.3-alpine: use semverSuffix or includeTagPatterns for those.',
  );
  return tagSet({ ranges: ranges.map((range) => range.semverRange), prereleases: true, excluded });
}

interface Patterns {
  readonly names: readonly string[];
  readonly patterns: readonly string[];
}

/** regsync compiles `^` + pattern + `$`, without a group around the pattern. Undefined if one of them cannot be used. */
function readPatterns(source: Source | undefined): Patterns | undefined {
  const names: string[] = [];
  const patterns: string[] = [];
  let isUsable = true;
  for (const item of source?.list() ?? []) {
    const text = item.text() ?? '';
    const name = literalTag(text);
    const whole = wholeTagPattern(`^${text}$`);
    if (name !== undefined) names.push(name);
    else if ('pattern' in whole) {
      patterns.push(whole.pattern);
      if (text.includes('|') && whole.pattern !== text)
        item.findings.toDo(
          item,
          `regsync anchors only the ends of ${quoteValue(text)}, so its alternatives are open at one side. ${quoteValue(whole.pattern)} keeps this meaning; write ${quoteValue(`(?:${text})`)} if you want whole tags.`,
        );
    } else {
      item.findings.leftOut(item, whole.mistake);
      isUsable = false;
    }
  }
  return isUsable ? { names, patterns } : undefined;
}

function readRanges(source: Source | undefined): VersionRange[] | undefined {
  const parsed = (source?.list() ?? []).flatMap((item) => {
    const text = item.text();
    if (text === undefined) return [];
    const range = parseVersionRange(text);
    if (!('mistake' in range)) return [range];
    item.findings.leftOut(item, range.mistake);
    return [undefined];
  });
  return parsed.includes(undefined) ? undefined : parsed.flatMap((range) => range ?? []);
}

/** A remote includes what any of its rules takes. What must pass two rules is included by one, and the opposite of the other excludes. */
function intersect(
  source: Source,
  ranges: readonly VersionRange[],
  { names, patterns, excluded }: Patterns & { readonly excluded: readonly string[] },
): TagSet | undefined {
  const within = names.filter((name) => {
    const version = parseRegsyncVersion(name);
    return version !== undefined && ranges.some((range) => isInRange(version, range));
  });
  if (patterns.length === 0) return tagSet({ names: within, excluded });
  const [range] = ranges;
  if (range === undefined || ranges.length > 1) {
    source.findings.leftOut(
      source,
      'Several ranges together with allow have no equivalent. Use a set of tagSets for each range.',
    );
    return undefined;
  }
  const others = patterns.every(takesVersionsOnly) ? [] : [notAVersion];
  return tagSet({ names: within, patterns, excluded: [...excluded, ...others, ...outsideRange(range)] });
}

/** Whether a pattern begins with numbers between dots, and goes on, if at all, after a dash: `v\d+\.\d+-alpine.*`. */
function takesVersionsOnly(pattern: string): boolean {
  const tokens = pattern.replace(/^v\??/, '').match(/\\\.|\\d\+?|\[0-9\]\+?|\d|-[^|]*$|[^]/g) ?? [];
  const kinds = tokens.map((token) =>
    token === '\\.' ? '.' : token.startsWith('-') ? '-' : /^(?:\\d|\[0-9\]|\d)/.test(token) ? 'n' : '?',
  );
  return /^n+(?:\.n+)*-?$/.test(kinds.join(''));
}

function escapeTag(tag: string): string {
  return tag.replaceAll('.', '\\.');
}
