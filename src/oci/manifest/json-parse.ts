import { quoteValue } from '../error.ts';

/** A number other than a safe integer, as written. */
export interface JsonNumber {
  readonly lexeme: string;
}

/** Objects are Maps, so that keys such as `__proto__` have no meaning. */
export type JsonValue = null | boolean | number | string | JsonNumber | JsonValue[] | JsonObject;
export type JsonObject = Map<string, JsonValue>;

/** The message has the place as "line 2, column 5 (offset 17)"; offsets count UTF-16 units from 0. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

interface Container {
  readonly value: JsonValue[] | JsonObject;
  /** In an object: the key of the next value. */
  key: string;
}

/** Longer numbers are refused before they are parsed. */
const numberMaxLength = 1_000;
const numberPattern = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/;

/**
 * Parses JSON (RFC 8259) more strictly than JSON.parse. Repeated keys are errors, because parsers differ in which one they use. Nesting and the
 * number of values are bounded, and numbers keep their precision. The parser is iterative, so no document overflows the stack.
 * @throws JsonSyntaxError
 */
export function parseJson(text: string, maxDepth = 64, maxValues = 500_000): JsonValue {
  if (text.charCodeAt(0) === 0xfeff) throw syntaxError(text, 0, 'a byte order mark, which JSON may not have');
  const open: Container[] = [];
  let at = skipSpace(text, 0);
  for (let values = 1; ; values += 1) {
    if (values > maxValues) throw syntaxError(text, at, `more than the ${maxValues} values allowed`);
    let value: JsonValue;
    const first = text[at];
    if (first === '{' || first === '[') {
      if (open.length === maxDepth)
        throw syntaxError(text, at, `nesting deeper than the ${maxDepth} levels allowed`);
      const container: Container = { value: first === '{' ? new Map() : [], key: '' };
      at = skipSpace(text, at + 1);
      if (text[at] !== closing(container)) {
        open.push(container);
        if (first === '{') at = readKey(text, at, container);
        continue;
      }
      at += 1;
      value = container.value;
    } else {
      [value, at] = readScalar(text, at);
    }
    // Adds the complete value to its container, and closes all containers that end after it.
    for (;;) {
      at = skipSpace(text, at);
      const container = open.at(-1);
      if (container === undefined) {
        if (at < text.length) throw unexpected(text, at, 'the end');
        return value;
      }
      if (Array.isArray(container.value)) container.value.push(value);
      else container.value.set(container.key, value);
      if (text[at] === ',') {
        at = skipSpace(text, at + 1);
        if (!Array.isArray(container.value)) at = readKey(text, at, container);
        break;
      }
      if (text[at] !== closing(container)) throw unexpected(text, at, `, or ${closing(container)}`);
      at += 1;
      open.pop();
      value = container.value;
    }
  }
}

function closing(container: Container): string {
  return Array.isArray(container.value) ? ']' : '}';
}

/** Parses `"key" :`. @returns the position of the value. */
function readKey(text: string, at: number, container: Container): number {
  if (text[at] !== '"') throw unexpected(text, at, 'a key in double quotes');
  const [key, end] = readString(text, at);
  if (!Array.isArray(container.value) && container.value.has(key))
    throw syntaxError(text, at, `the key ${quoteValue(key)} a second time in the same object`);
  container.key = key;
  const colon = skipSpace(text, end);
  if (text[colon] !== ':') throw unexpected(text, colon, ':');
  return skipSpace(text, colon + 1);
}

function readScalar(text: string, at: number): [JsonValue, number] {
  if (text[at] === '"') return readString(text, at);
  for (const [word, value] of [
    ['true', true],
    ['false', false],
    ['null', null],
  ] as const)
    if (text.startsWith(word, at)) return [value, at + word.length];
  const lexeme = numberPattern.exec(text.slice(at, at + numberMaxLength + 1))?.[0];
  if (lexeme === undefined) throw unexpected(text, at, 'a JSON value');
  if (lexeme.length > numberMaxLength)
    throw syntaxError(text, at, `a number of more than ${numberMaxLength} characters`);
  const value = Number(lexeme);
  const exact = /^-?[0-9]+$/.test(lexeme) && Number.isSafeInteger(value);
  return [exact ? value : { lexeme }, at + lexeme.length];
}

/** A loop, because a regular expression may overflow the stack in a string of megabytes (inline `data`). */
function readString(text: string, start: number): [string, number] {
  let escaped = false;
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      if (!escaped) return [text.slice(start + 1, at), at + 1];
      return [JSON.parse(text.slice(start, at + 1)) as string, at + 1];
    }
    if (code < 0x20) throw syntaxError(text, at, 'a control character inside a string');
    if (code === 0x5c) {
      escaped = true;
      const length = escapeLength(text, at);
      if (length === 0) throw syntaxError(text, at, 'a backslash that escapes nothing');
      at += length - 1;
    }
  }
  throw syntaxError(text, start, 'a string that does not end');
}

function escapeLength(text: string, at: number): number {
  const next = text[at + 1] ?? '';
  if (next === 'u') return /^[0-9a-fA-F]{4}$/.test(text.slice(at + 2, at + 6)) ? 6 : 0;
  return next !== '' && '"\\/bfnrt'.includes(next) ? 2 : 0;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
    at += 1;
  }
}

function unexpected(text: string, at: number, expected: string): JsonSyntaxError {
  const found = at < text.length ? quoteValue(String.fromCodePoint(text.codePointAt(at) ?? 0)) : 'the end';
  return syntaxError(text, at, `${found} where ${expected} was expected`);
}

function syntaxError(text: string, at: number, what: string): JsonSyntaxError {
  let line = 1;
  let lineStart = 0;
  for (let end = text.indexOf('\n'); end >= 0 && end < at; end = text.indexOf('\n', lineStart)) {
    line += 1;
    lineStart = end + 1;
  }
  return new JsonSyntaxError(`${what}, at line ${line}, column ${at - lineStart + 1} (offset ${at})`);
}
