import { isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { TidemarkError, quoteValue } from '../oci/error.ts';
import { isTagName } from '../oci/tag-name.ts';
import { matchesWildcard, parseWildcard } from './wildcard.ts';
import type { Wildcard } from './wildcard.ts';

export interface TagPatterns {
  /** Tag names, shell wildcards and digests. Null, absent or empty: every tag, as Pulp has it. */
  readonly includeTags?: readonly string[] | null | undefined;
  /** Taken away afterwards, digests too. Null, absent or empty: nothing. */
  readonly excludeTags?: readonly string[] | null | undefined;
}

export interface TagFilter {
  /** Whether a tag is selected, by whichever entry. */
  matches(name: string): boolean;
  /** Included names without a wildcard that no exclusion takes away, each once: had without listing. */
  readonly exactNames: readonly string[];
  /** Digests to keep as untagged manifests, each once. */
  readonly digests: readonly Digest[];
  /** Whether the upstream's list of tags is needed: an entry has a wildcard, or every tag is wanted. */
  readonly needsListing: boolean;
}

export interface TagPatternMistake {
  /** Place in the list, from 0. */
  readonly index: number;
  readonly message: string;
}

/** What is wrong with the entries of includeTags or excludeTags; empty where all can be used. */
export function validateTagPatterns(patterns: readonly string[]): TagPatternMistake[] {
  return patterns.flatMap((pattern, index) => {
    const message = patternMistake(pattern);
    return message === undefined ? [] : [{ index, message }];
  });
}

function patternMistake(pattern: string): string | undefined {
  if (isDigest(pattern)) return undefined;
  const wildcard = parseWildcard(pattern);
  if ('mistake' in wildcard) return wildcard.mistake;
  const name = wildcard.exactName;
  if (name === undefined || isTagName(name)) return undefined;
  return (
    `${quoteValue(name)} is neither a tag name (a letter, digit or _, then up to 127 letters, digits, _ . -), ` +
    'nor a digest (sha256: and 64 lower-case hexadecimal digits), nor has it a wildcard (* ? [abc]).'
  );
}

/**
 * Compiles includeTags and excludeTags. Matching is case-sensitive, as tags are.
 * @throws TidemarkError `INVALID` (origin caller) for an entry that `validateTagPatterns` reports.
 */
export function compileTagFilter(patterns: TagPatterns): TagFilter {
  const include = compileList('includeTags', patterns.includeTags ?? []);
  const exclude = compileList('excludeTags', patterns.excludeTags ?? []);
  const includesAll = (patterns.includeTags ?? []).length === 0;
  return {
    matches: (name) => (includesAll || include.matches(name)) && !exclude.matches(name),
    exactNames: [...include.exactNames].filter((name) => !exclude.matches(name)),
    digests: [...include.digests].filter((digest) => !exclude.digests.has(digest)),
    needsListing: includesAll || include.wildcards.length > 0,
  };
}

interface PatternList {
  readonly exactNames: ReadonlySet<string>;
  readonly digests: ReadonlySet<Digest>;
  readonly wildcards: readonly Wildcard[];
  matches(name: string): boolean;
}

function compileList(field: string, patterns: readonly string[]): PatternList {
  const mistake = validateTagPatterns(patterns)[0];
  if (mistake !== undefined)
    throw new TidemarkError(
      'INVALID',
      `${field}[${mistake.index}], ${quoteValue(patterns[mistake.index])}: ${mistake.message}`,
      { origin: 'caller' },
    );
  const digests = new Set(patterns.filter(isDigest));
  const parsed = patterns.filter((pattern) => !isDigest(pattern)).map(parseUsable);
  const exactNames = new Set(parsed.flatMap(({ exactName }) => exactName ?? []));
  const wildcards = parsed.filter(({ exactName }) => exactName === undefined);
  const matches = (name: string): boolean =>
    exactNames.has(name) || wildcards.some((wildcard) => matchesWildcard(wildcard, name));
  return { exactNames, digests, wildcards, matches };
}

function parseUsable(pattern: string): Wildcard {
  const wildcard = parseWildcard(pattern);
  if ('mistake' in wildcard) throw new TidemarkError('INVALID', wildcard.mistake, { origin: 'caller' });
  return wildcard;
}
