import { matchesToken, parseWildcard } from './wildcard.ts';
import type { WildcardToken } from './wildcard.ts';

/** Bounds of the work: a hint is worth no more. */
const candidatesMax = 20_000;
const lengthMax = 128;

/**
 * The candidates that are nearest to what was wanted, nearest first, for "did you mean". `wanted` is a name or wildcard
 * (or the list of them, each measured); a wildcard's `*` stands for anything. Letter case counts a little. Only names that are
 * close are given, so the answer may be empty; of many candidates the first 20,000 are looked at.
 */
export function closeNames(
  wanted: string | readonly string[],
  candidates: Iterable<string>,
  limit = 3,
): string[] {
  const patterns = (typeof wanted === 'string' ? [wanted] : wanted).slice(0, 10).flatMap((pattern) => {
    const parsed = parseWildcard(pattern.slice(0, lengthMax));
    return 'mistake' in parsed ? [] : [parsed.tokens];
  });
  const best: { readonly name: string; readonly distance: number }[] = [];
  let seen = 0;
  for (const name of candidates) {
    if (seen === candidatesMax) break;
    seen += 1;
    const distance = Math.min(...patterns.map((tokens) => closeness(tokens, name)));
    if (!Number.isFinite(distance)) continue;
    best.push({ name, distance });
    // Stable: of two names as near, the earlier stays before.
    best.sort((a, b) => a.distance - b.distance);
    best.length = Math.min(best.length, limit);
  }
  return best.map(({ name }) => name);
}

/** The edit distance, or infinity where that is more than half of what the pattern spells out (and more than 2). */
function closeness(tokens: readonly WildcardToken[], name: string): number {
  if (name.length > lengthMax) return Infinity;
  const spelt = tokens.filter((token) => token.kind !== 'star').length;
  const distance = editDistance(tokens, name);
  return distance <= Math.max(2, Math.floor(spelt / 2)) ? distance : Infinity;
}

/** Levenshtein's distance between a pattern and a name: a star takes any characters for nothing. */
function editDistance(tokens: readonly WildcardToken[], name: string): number {
  let row = Array.from({ length: name.length + 1 }, (_, at) => at);
  for (const token of tokens) {
    const isStar = token.kind === 'star';
    const next = [(row[0] ?? 0) + (isStar ? 0 : 1)];
    for (let at = 1; at <= name.length; at += 1) {
      const left = next[at - 1] ?? 0;
      const above = row[at] ?? 0;
      const diagonal = row[at - 1] ?? 0;
      next[at] = isStar
        ? Math.min(left, above)
        : Math.min(left + 1, above + 1, diagonal + substitution(token, name.charAt(at - 1)));
    }
    row = next;
  }
  return row[name.length] ?? 0;
}

function substitution(token: WildcardToken, char: string): number {
  if (matchesToken(token, char)) return 0;
  const inOtherCase = matchesToken(token, char.toLowerCase()) || matchesToken(token, char.toUpperCase());
  return inOtherCase ? 0.25 : 1;
}
