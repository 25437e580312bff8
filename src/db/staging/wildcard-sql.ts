import { parseWildcard } from '../../selection/wildcard.ts';
import type { WildcardToken } from '../../selection/wildcard.ts';

/**
 * A shell wildcard as a PostgreSQL regular expression, for ASCII columns (tags, repository names). Null: it matches
 * nothing.
 * PostgreSQL does not backtrack without back references, so any pattern is safe.
 */
export function wildcardToRegex(
  pattern: string,
): { readonly regex: string | null } | { readonly mistake: string } {
  const parsed = parseWildcard(pattern);
  if ('mistake' in parsed) return parsed;
  const parts = parsed.tokens.map(tokenToRegex);
  return { regex: parts.includes(null) ? null : `^(?:${parts.join('')})$` };
}

function tokenToRegex(token: WildcardToken): string | null {
  switch (token.kind) {
    case 'star':
      return '.*';
    case 'any':
      return '.';
    case 'literal':
      return token.char > '\x7f' || token.char === '\0' ? null : escapeChar(token.char);
    case 'class':
      return classToRegex(token.ranges, token.negated);
  }
}

function classToRegex(ranges: readonly (readonly [string, string])[], negated: boolean): string | null {
  const ascii = ranges.flatMap(([low, high]): [string, string][] =>
    low > '\x7f' ? [] : [[low === '\0' ? '\x01' : low, high > '\x7f' ? '\x7f' : high]],
  );
  if (ascii.length === 0) return negated ? '.' : null;
  const body = ascii.map(([low, high]) => `${escapeChar(low)}-${escapeChar(high)}`).join('');
  return `[${negated ? '^' : ''}${body}]`;
}

/** By number, so that no character is special. */
function escapeChar(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
