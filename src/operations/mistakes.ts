import { quoteValue } from '../oci/error.ts';

/** Stable names of the mistakes that a caller can make. GraphQL's `ErrorCode` describes each. */
export const mistakeCodes = [
  'INVALID',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'IN_USE',
  'SYNC_ALREADY_RUNNING',
  'REPOSITORY_IS_MIRRORED',
  'WOULD_BECOME_MIRROR',
  'FORBIDDEN',
] as const;
export type MistakeCode = (typeof mistakeCodes)[number];

/** A mistake of the caller's. An operation that returns any has changed nothing. */
export interface Mistake {
  code: MistakeCode;
  /** The path inside the input, for example `["includeTags", "0"]`. */
  field: string[];
  /** The value received, what was expected, and what to do. */
  message: string;
}

export function mistake(code: MistakeCode, field: readonly string[], message: string): Mistake {
  return { code, field: [...field], message };
}

/** An input names something by an id that nothing has, or that the caller may not read. `list`: the field of the API with valid ids. */
export function noSuchId(
  noun: string,
  list: string,
  { field, text }: { readonly field: string; readonly text: string },
): Mistake {
  return mistake(
    'NOT_FOUND',
    [field],
    `There is no ${noun} with the id ${quoteValue(text)}. Use an id from ${list}.`,
  );
}

/** The result of one check. */
export type Checked = Mistake | undefined;

export function invalid(field: string | readonly string[], message: string): Mistake {
  return mistake('INVALID', typeof field === 'string' ? [field] : field, message);
}

/** For a field of an update that has no empty state. */
export function notNull(field: string, value: unknown): Checked {
  return value === null ? invalid(field, `${field} cannot be cleared; omit it to keep it.`) : undefined;
}

export function checkInteger(field: string, value: number, [low, high]: readonly [number, number]): Checked {
  if (Number.isInteger(value) && value >= low && value <= high) return undefined;
  return invalid(field, `${field} is ${quoteValue(value)}; expected a whole number from ${low} to ${high}.`);
}

/** Seconds, more than 0. */
export function checkSeconds(field: string, value: number, most: number): Checked {
  if (Number.isFinite(value) && value >= 0.001 && value <= most) return undefined;
  return invalid(
    field,
    `${field} is ${quoteValue(value)}; expected seconds, more than 0 and at most ${most}; null for the server's default.`,
  );
}

/** The first few names, and how many more there are, which may be all of them. */
export function listNames(names: readonly string[], count: number): string {
  return listThings(
    names.map((name) => quoteValue(name)),
    count,
  );
}

/** The same of what is not a name, or more than that. */
export function listThings(things: readonly string[], count: number): string {
  const more = count - things.length;
  const listed = things.join(', ');
  if (more <= 0) return listed;
  return listed === '' ? `${more} that you may not read` : `${listed} and ${more} more`;
}

/** Free text for people, which PostgreSQL can hold. */
export function checkText(field: string, value: string, most: number): Checked {
  if (value.length > most)
    return invalid(field, `${field} has ${value.length} characters; at most ${most} are accepted.`);
  return value.includes('\0') ? invalid(field, `${field} has a NUL character; remove it.`) : undefined;
}

/** A name for people and programs: no control or format character, no blank at its ends. */
export function checkName(field: string, value: string): Checked {
  const isVisible = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u.test(value) && value.trim() === value;
  if (value.length >= 1 && value.length <= 255 && isVisible) return undefined;
  return invalid(
    field,
    `${field} is ${quoteValue(value)}; expected 1 to 255 visible characters, without blanks at the ends.`,
  );
}
