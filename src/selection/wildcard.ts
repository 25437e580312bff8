/** Shell wildcards (POSIX 2.14, "Pattern Matching Notation"), parsed once and matched without regular expressions. */

interface LiteralToken {
  readonly kind: 'literal';
  readonly char: string;
}

interface ClassToken {
  readonly kind: 'class';
  readonly negated: boolean;
  /** Inclusive ranges of characters. */
  readonly ranges: readonly (readonly [string, string])[];
}

export type WildcardToken = LiteralToken | ClassToken | { readonly kind: 'any' | 'star' };

export interface Wildcard {
  readonly tokens: readonly WildcardToken[];
  /** The name itself, escapes resolved, where the pattern has no wildcard. */
  readonly exactName: string | undefined;
}

export const wildcardMaxLength = 512;

/**
 * Parses `* ? [abc] [a-z] [!a]`, and a backslash that takes the next character's meaning away. `[^a]` is `[!a]`, as in
 * most shells. Answers the mistake as a sentence where it cannot be parsed.
 */
export function parseWildcard(pattern: string): Wildcard | { readonly mistake: string } {
  if (pattern === '') return { mistake: 'The pattern is empty; write * for every tag.' };
  if (pattern.length > wildcardMaxLength)
    return {
      mistake: `The pattern has ${pattern.length} characters; at most ${wildcardMaxLength} are accepted.`,
    };
  const tokens: WildcardToken[] = [];
  let at = 0;
  while (at < pattern.length) {
    const char = pattern.charAt(at);
    if (char === '[') {
      const parsed = parseClass(pattern, at);
      if ('mistake' in parsed) return parsed;
      tokens.push(parsed.token);
      at = parsed.end;
    } else if (char === '\\') {
      if (at + 1 === pattern.length)
        return { mistake: 'The pattern ends with a backslash, which escapes nothing.' };
      tokens.push({ kind: 'literal', char: pattern.charAt(at + 1) });
      at += 2;
    } else {
      // Stars in a row mean what one does.
      if (char !== '*') tokens.push(char === '?' ? { kind: 'any' } : { kind: 'literal', char });
      else if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' });
      at += 1;
    }
  }
  const literals = tokens.flatMap((token) => (token.kind === 'literal' ? [token.char] : []));
  return { tokens, exactName: literals.length === tokens.length ? literals.join('') : undefined };
}

type ParsedClass = { readonly token: ClassToken; readonly end: number } | { readonly mistake: string };

function parseClass(pattern: string, start: number): ParsedClass {
  const ranges: [string, string][] = [];
  const negated = pattern[start + 1] === '!' || pattern[start + 1] === '^';
  const first = start + (negated ? 2 : 1);
  let at = first;
  while (at < pattern.length) {
    const char = pattern.charAt(at);
    if (char === ']' && at > first) return { token: { kind: 'class', negated, ranges }, end: at + 1 };
    if (char === '[' && /^[:.=]/.test(pattern.slice(at + 1)))
      return {
        mistake: `Named classes as [:digit:] are not supported (character ${at + 1}); write [0-9].`,
      };
    const low = classChar(pattern, at);
    at = low.end;
    let high = low.char;
    if (pattern[at] === '-' && at + 1 < pattern.length && pattern[at + 1] !== ']') {
      const to = classChar(pattern, at + 1);
      high = to.char;
      at = to.end;
    }
    if (high < low.char)
      return { mistake: `The range ${low.char}-${high} is in reverse order; write ${high}-${low.char}.` };
    ranges.push([low.char, high]);
  }
  return {
    mistake: `The [ at character ${start + 1} has no closing ]; write \\[ for the character itself.`,
  };
}

function classChar(pattern: string, at: number): { readonly char: string; readonly end: number } {
  const escaped = pattern[at] === '\\' && at + 1 < pattern.length;
  return { char: pattern.charAt(escaped ? at + 1 : at), end: at + (escaped ? 2 : 1) };
}

/**
 * Whether the whole name matches. Only the last star is ever tried again, since an earlier one can gain nothing by
 * taking more: at most tokens × characters steps, for `*a*a*a*` too.
 */
export function matchesWildcard(wildcard: Wildcard, name: string): boolean {
  const { tokens } = wildcard;
  let token = 0;
  let at = 0;
  let afterStar = -1;
  let starEnd = 0;
  while (at < name.length) {
    const current = tokens[token];
    if (current?.kind === 'star') {
      token += 1;
      afterStar = token;
      starEnd = at;
    } else if (current !== undefined && matchesToken(current, name.charAt(at))) {
      token += 1;
      at += 1;
    } else if (afterStar >= 0) {
      token = afterStar;
      starEnd += 1;
      at = starEnd;
    } else {
      return false;
    }
  }
  return token === tokens.length || (token === tokens.length - 1 && tokens[token]?.kind === 'star');
}

/** Whether one character matches; a star is no single character and never does. */
export function matchesToken(token: WildcardToken, char: string): boolean {
  if (token.kind === 'literal') return token.char === char;
  if (token.kind === 'class')
    return token.ranges.some(([low, high]) => char >= low && char <= high) !== token.negated;
  return token.kind === 'any';
}
