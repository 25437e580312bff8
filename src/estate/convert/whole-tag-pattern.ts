import { isTagName } from '../../oci/tag-name.ts';
import { patternMistake } from '../../selection/tag-patterns.ts';

/**
 * A pattern that matches a whole tag exactly where Go's `regexp.MatchString` finds the given one in it (pkg.go.dev/regexp). `^a|b$` becomes
 * `a.*|.*b`: an alternative that has no anchor at an end goes on there.
 * @returns the reason if Go or Tidemark refuses it
 */
export function wholeTagPattern(
  searched: string,
): { readonly pattern: string } | { readonly mistake: string } {
  // before anything is put around it, which might close a parenthesis of its own
  const mistake = patternMistake(searched);
  if (mistake !== undefined) return { mistake };
  const alternatives = splitAlternatives(searched);
  const pattern = alternatives?.every(isPlain) === true ? alternatives.map(anchor).join('|') : wrap(searched);
  const unusable = patternMistake(pattern);
  return unusable === undefined ? { pattern } : { mistake: unusable };
}

/** The tag, if the pattern of a whole tag matches this one alone. */
export function literalTag(pattern: string): string | undefined {
  if (!/^(?:[A-Za-z0-9_-]|\\[.-])+$/.test(pattern)) return undefined;
  const tag = pattern.replaceAll('\\', '');
  return isTagName(tag) ? tag : undefined;
}

/** True for every pattern, though harder to read. Tags have no line breaks, so a dot is any character. */
function wrap(searched: string): string {
  return `.*(?:${searched}${endsQuoted(searched) ? '\\E' : ''}).*`;
}

function endsQuoted(text: string): boolean {
  let isQuoted = false;
  for (let at = 0; at < text.length - 1; at += 1) {
    if (text[at] !== '\\') continue;
    if (text[at + 1] === 'Q' && !isQuoted) isQuoted = true;
    if (text[at + 1] === 'E') isQuoted = false;
    if (!isQuoted) at += 1;
  }
  return isQuoted;
}

/** The parts between bars outside of groups and classes; undefined for what is better not taken apart: `\Q…\E`. */
function splitAlternatives(text: string): string[] | undefined {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\\') {
      if (text[at + 1] === 'Q') return undefined;
      at += 1;
    } else if (char === '[') at = endOfClass(text, at);
    else if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    else if (char === '|' && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

/** A bracket that comes first is a member of its class; `[:alpha:]` is a class within. */
function endOfClass(text: string, start: number): number {
  let at = start + (text[start + 1] === '^' ? 2 : 1);
  if (text[at] === ']') at += 1;
  while (at < text.length && text[at] !== ']') {
    if (text[at] === '\\') at += 2;
    else if (text[at] === '[' && text[at + 1] === ':' && text.includes(':]', at))
      at = text.indexOf(':]', at) + 2;
    else at += 1;
  }
  return at;
}

/** Whether its ends can be read off: it has no quantified anchor at its begin, and no flags, which a quantifier may follow. */
function isPlain(alternative: string): boolean {
  return !/^\^+[*+?{]|\(\?[a-zA-Z-]+\)/.test(alternative);
}

function anchor(alternative: string): string {
  const begins = alternative.startsWith('^');
  const ends = endsWithAnchor(alternative);
  const inner = alternative.slice(begins ? 1 : 0, ends ? -1 : undefined);
  const isOpenAlready = /^\.\*(?![*+?{])/.test(inner);
  const before = begins || isOpenAlready ? '' : '.*';
  const isClosedAlready = inner === '.*' || /[^\\]\.\*$/.test(inner);
  return `${before}${inner}${ends || isClosedAlready ? '' : '.*'}`.replace(/^\.\*\.\*$/, '.*');
}

function endsWithAnchor(text: string): boolean {
  let end = text.length - 1;
  if (text[end] !== '$') return false;
  while (end > 0 && text[end - 1] === '\\') end -= 1;
  return (text.length - 1 - end) % 2 === 0;
}
