import { isDigest } from '../oci/digest.ts';
import { quoteValue } from '../oci/error.ts';
import { isTagName } from '../oci/tag-name.ts';
import { rangeMistake } from './semver-ranges.ts';
import { patternMistake } from './tag-patterns.ts';
import { parseWildcard } from './wildcard.ts';

export interface RuleMistake {
  /** Place in the list, from 0. */
  readonly index: number;
  readonly message: string;
}

const listChecks = {
  includeTags: wildcardMistake,
  excludeTags: wildcardMistake,
  includeTagPatterns: patternMistake,
  excludeTagPatterns: patternMistake,
  semverRanges: rangeMistake,
  immutableTags: wildcardMistake,
} as const;

/** Lists of rules, by field. */
export type RuleList = keyof typeof listChecks;
export const ruleLists = Object.keys(listChecks) as RuleList[];
/** The lists that decide which tags are selected. */
export const selectingLists = ruleLists.filter((field) => field !== 'immutableTags');

/** Every entry of a list that cannot be used. */
export function validateRules(field: RuleList, entries: readonly string[]): RuleMistake[] {
  return entries.flatMap((entry, index) => {
    const message = listChecks[field](entry);
    return message === undefined ? [] : [{ index, message }];
  });
}

function wildcardMistake(pattern: string): string | undefined {
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
