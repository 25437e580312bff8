import { wildcardToRegex } from '../../db/staging/wildcard-sql.ts';
import { quoteValue } from '../../oci/error.ts';
import { badUserInput } from './errors.ts';

export const firstOption = { description: 'Page size, 1 to 100.' };
export const afterOption = {
  nullable: true,
  description: 'Return only elements after this cursor; null: from the start.',
};

/** The `name` filter of a list. @throws GraphQLError `BAD_USER_INPUT` */
export function readNameFilter(name: string | null | undefined): string | null | undefined {
  if (name === null || name === undefined) return undefined;
  const parsed = wildcardToRegex(name);
  if ('mistake' in parsed) throw badUserInput(`name is ${quoteValue(name)}: ${parsed.mistake}`);
  return parsed.regex;
}

/** Exactly one of `id` and `name` (or of the named argument). @throws GraphQLError `BAD_USER_INPUT` */
export function checkIdOrName(
  id: string | null | undefined,
  name: string | null | undefined,
  called = 'name',
): void {
  if (typeof id === 'string' && typeof name === 'string')
    throw badUserInput(`Both id and ${called} were given; expected one of them.`);
  if (typeof id !== 'string' && typeof name !== 'string')
    throw badUserInput(`Neither id nor ${called} was given; expected one of them.`);
}

/** PostgreSQL's text has no NUL, so no name matches. */
export function isStorableText(text: string): boolean {
  return !text.includes('\0');
}
