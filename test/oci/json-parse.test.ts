import { describe, expect, test } from 'vitest';
import { JsonSyntaxError, parseJson } from '../../src/oci/manifest/json-parse.ts';
import type { JsonValue } from '../../src/oci/manifest/json-parse.ts';
import { allowStalls } from '../support/watch/allow-stalls.ts';

allowStalls(10_000, 'the documents are parsed on this thread');

/** What JSON.parse would give; inexact numbers as their text. */
function plain(value: JsonValue): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, entry]) => [key, plain(entry)]));
  if (Array.isArray(value)) return value.map(plain);
  return value !== null && typeof value === 'object' ? value.lexeme : value;
}

describe('parseJson', () => {
  test.each([
    '{}',
    '[]',
    ' [ ] ',
    'null',
    '-7',
    '"x"',
    '{"a":{"b":[1,{"c":[]}]},"d":[[],[{}]],"e":"\\u00e9\\n\\"\\\\"}',
    '\t{\r\n"a" : [ true , false , null , 0 ] }\n',
    '{"":{"":""}}',
    '["\u2028 \ud83d\ude00"]',
  ])('reads what JSON.parse reads, to the same value: %j', (text) => {
    expect(plain(parseJson(text))).toEqual(JSON.parse(text));
  });

  test.each([
    '',
    ' ',
    '{',
    '[',
    '{]',
    '[}',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '[1,]',
    '[,1]',
    '[1 2]',
    '{} {}',
    '{a:1}',
    "{'a':1}",
    '01',
    '+1',
    '.5',
    '1.',
    '1e',
    '-',
    'NaN',
    'nul',
    'truex',
    '"',
    '"\\x"',
    '"\\u12g4"',
    '"\t"',
    '"a\\',
    '// c\n1',
    ']',
  ])('refuses what JSON.parse refuses: %j', (text) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
    expect(() => parseJson(text)).toThrow(JsonSyntaxError);
  });

  test.each([
    ['9007199254740993', '9007199254740993'],
    ['1.0', '1.0'],
    ['1e3', '1e3'],
    ['5.00000000000000000001', '5.00000000000000000001'],
    ['9007199254740991', 9007199254740991],
  ])('keeps the text of a number that a double does not hold as written: %s', (text, expected) => {
    expect(plain(parseJson(text))).toBe(expected);
  });

  test('a key named __proto__ is a key like any other', () => {
    const value = parseJson('{"__proto__":{"size":1}}');
    expect(value instanceof Map && value.has('__proto__') && !value.has('size')).toBe(true);
  });

  test('the place of a mistake is given by line, column and offset', () => {
    expect(() => parseJson('{\n  "a": 1,\n  "b": x }')).toThrow('line 3, column 8 (offset 19)');
  });

  test('64 levels are read, 65 are not', () => {
    expect(() => parseJson('['.repeat(64) + ']'.repeat(64))).not.toThrow();
    expect(() => parseJson('['.repeat(65) + ']'.repeat(65))).toThrow('deeper than the 64 levels');
  });

  test('a string of 4 MiB, escapes included, does not overflow the stack', () => {
    const long = 'a\n'.repeat(2 * 1024 * 1024);
    expect(parseJson(JSON.stringify(long))).toBe(long);
  });
});
