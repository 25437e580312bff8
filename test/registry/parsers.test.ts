import { describe, expect, test } from 'vitest';
import { parseChallenges } from '../../src/registry/auth/challenge.ts';
import { headMaxBytes, parseHead } from '../../src/registry/transport/sockets/http-head.ts';
import { nextLink } from '../../src/registry/tags/link.ts';
import { sameRegistrableDomain } from '../../src/registry/auth/realm.ts';
import { parseRetryAfter } from '../../src/registry/transport/retry.ts';
import { classifyAddress } from '../../src/oci/hosts/address.ts';

test.each([
  ['1.1.1.1', 'public'],
  ['2606:4700::1111', 'public'],
  ['127.0.0.1', 'private'],
  ['127.255.0.1', 'private'],
  ['10.1.2.3', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.1', 'public'],
  ['192.168.0.1', 'private'],
  ['100.64.0.1', 'private'],
  ['::1', 'private'],
  ['fd00::1', 'private'],
  ['::ffff:127.0.0.1', 'private'],
  ['::ffff:7f00:1', 'private'],
  ['::ffff:1.1.1.1', 'public'],
  ['::127.0.0.1', 'private'],
  ['64:ff9b::10.0.0.1', 'private'],
  ['2002:7f00:1::', 'private'],
  ['169.254.169.254', 'refused'],
  ['::ffff:169.254.169.254', 'refused'],
  ['64:ff9b::a9fe:a9fe', 'refused'],
  ['fd00:ec2::254', 'refused'],
  ['fe80::1', 'refused'],
  ['fe80::1%eth0', 'refused'],
  ['0.0.0.0', 'refused'],
  ['::', 'refused'],
  ['224.0.0.1', 'refused'],
  ['255.255.255.255', 'refused'],
  ['localhost', 'refused'],
  ['', 'refused'],
])('fault 23: the address %j is %s', (address, expected) => {
  expect(classifyAddress(address)).toBe(expected);
});

test.each([
  ['registry-1.docker.io', 'auth.docker.io', true],
  ['registry.gitlab.com', 'gitlab.com', true],
  ['registry.co.uk', 'evil.co.uk', false],
  ['a.registry.co.uk', 'b.registry.co.uk', true],
  ['mine.azurecr.io', 'evil.azurecr.io', false],
  ['docker.io', 'docker.io.evil.test', false],
  ['localhost', 'localhost', true],
  ['localhost', 'other.localhost', false],
  ['10.0.0.1', '10.0.0.1', true],
  ['10.0.0.1', '20.0.0.1', false],
  ['[::1]', '[::2]', false],
])('fault 13: %s and %s are of one domain: %s', (left, right, expected) => {
  expect(sameRegistrableDomain(left, right)).toBe(expected);
});

const now = Date.parse('2026-01-01T00:00:00Z');
test.each([
  ['5', 5000],
  [' 7 ', 7000],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ['31536000', 86_400_000],
  ['0', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['2026', 2_026_000],
  // Unix times: Docker Hub's (docker/hub-feedback#2459)
  ['1767225690', 90_000],
  ['1746136938', undefined],
  ['Wed, 21 Oct 2015 07:28:00 GMT', undefined],
  [undefined, undefined],
])('fault 10: Retry-After %j is %j ms', (value, expected) => {
  expect(parseRetryAfter(value, now)).toBe(expected);
});

test.each([
  ['</v2/a/tags/list?n=1&last=b>; rel="next"', '/v2/a/tags/list?n=1&last=b'],
  ['</a>; rel=next', '/a'],
  ['</p>; rel="prev", </n>; rel="first NEXT"', '/n'],
  ['</a,b;c>; title="x, <y>; rel=\\"no\\""; rel="next"', '/a,b;c'],
  ['</a>', '/a'],
  ['</p>; rel="prev"', undefined],
  // zot before 1.4.4
  ['/v2/a/tags/list?n=1&last=b; rel="next"', '/v2/a/tags/list?n=1&last=b'],
  ['/v2/a; rel="prev"', undefined],
  ['/v2/a, /v2/b; rel="next"', undefined],
  ['</a>, </b>', undefined],
  ['', undefined],
  [undefined, undefined],
])('the next page of the Link %j is %j', (field, expected) => {
  expect(nextLink(field)).toBe(expected);
});

describe('challenges', () => {
  test.each([
    ['Bearer realm="a",service="b"', [['bearer', { realm: 'a', service: 'b' }]]],
    ['bearer realm = "a" , scope="x:y,z"', [['bearer', { realm: 'a', scope: 'x:y,z' }]]],
    ['Bearer realm=https://a/t?x=y', [['bearer', { realm: 'https://a/t?x=y' }]]],
    [
      'Basic, Bearer realm="a\\"b"',
      [
        ['basic', {}],
        ['bearer', { realm: 'a"b' }],
      ],
    ],
    [
      'Negotiate abc==, Basic realm="r"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'r' }],
      ],
    ],
    [
      'Basic realm="r", charset="UTF-8", Bearer realm="t"',
      [
        ['basic', { realm: 'r', charset: 'UTF-8' }],
        ['bearer', { realm: 't' }],
      ],
    ],
    ['Bearer realm="a", realm="b"', [['bearer', { realm: 'a' }]]],
    ['', []],
  ])('%s', (field, expected) => {
    const found = parseChallenges(field)?.map(({ scheme, parameters }) => [
      scheme,
      Object.fromEntries(parameters),
    ]);
    expect(found).toEqual(expected);
  });

  test.each(['Bearer realm="a', '"', '=', 'Bearer realm="a"x', `Bearer realm="${'a'.repeat(20_000)}"`])(
    'fault 12: %.40j cannot be read',
    (field) => {
      expect(parseChallenges(field)).toBeUndefined();
    },
  );
});

const parse = (...lines: string[]) => parseHead(Buffer.from(lines.join('\r\n'), 'latin1'));

describe('the head of an answer', () => {
  test.each([
    { name: 'a length', lines: ['HTTP/1.1 200 OK', 'Content-Length: 5'], bodyBytes: 5, keepAlive: true },
    { name: 'HTTP/1.0', lines: ['HTTP/1.0 200 OK', 'content-length: 5'], bodyBytes: 5, keepAlive: false },
    {
      name: 'Connection: close',
      lines: ['HTTP/1.1 200', 'content-length:5', 'Connection: Close'],
      bodyBytes: 5,
      keepAlive: false,
    },
    {
      name: 'two lengths',
      lines: ['HTTP/1.1 200 OK', 'content-length: 5', 'content-length: 6'],
      bodyBytes: undefined,
      keepAlive: true,
    },
    {
      name: 'a length and chunks',
      lines: ['HTTP/1.1 200 OK', 'content-length: 5', 'transfer-encoding: chunked'],
      bodyBytes: undefined,
      keepAlive: true,
    },
    { name: 'no body', lines: ['HTTP/1.1 204 No Content'], bodyBytes: 0, keepAlive: true },
  ])('with $name', ({ lines, bodyBytes, keepAlive }) => {
    expect(parse(...lines)).toMatchObject({ bodyBytes, keepAlive });
  });

  test.each([
    ['HTTP/2 200'],
    ['ICY 200 OK'],
    ['HTTP/1.1 200 OK', ' folded: x'],
    ['HTTP/1.1 200 OK', 'name : x'],
    ['HTTP/1.1 200 OK', 'no colon'],
    ['HTTP/1.1 200 OK', 'a: b\nc: d'],
    ['HTTP/1.1 99 No'],
    ['HTTP/1.1 2000 OK'],
    ['HTTP/1.1 200 O\x7fK'],
    ['HTTP/1.1 200 OK', 'a: b\x01'],
    ['HTTP/1.1 200 OK', ': b'],
    ['HTTP/1.1 200 OK', ''],
  ])('%j, %j is refused', (...lines) => {
    expect(parse(...lines)).toBeUndefined();
  });

  test('blanks around a value are no part of it, however many', () => {
    const blanks = ' \t'.repeat(30_000);
    expect(parse('HTTP/1.1 200 OK', `a:${blanks}b${' '.repeat(2_000)}c`)?.headers).toEqual({
      a: `b${' '.repeat(2_000)}c`,
    });
    expect(parse('HTTP/1.1 200 OK', `a:${blanks}`)?.headers).toEqual({ a: '' });
    expect(parse('HTTP/1.1 200 OK', `a: b${blanks}\x01`)).toBeUndefined();
  });

  test('fields of one name are a list', () => {
    expect(parse('HTTP/1.1 200 OK', 'A: 1', 'b: 2', 'a: 3', 'a: 4')?.headers).toEqual({
      a: ['1', '3', '4'],
      b: '2',
    });
  });

  test('a head of more bytes or fields than the limits is refused', () => {
    expect(parse('HTTP/1.1 200 OK', `a: ${'b'.repeat(headMaxBytes - 20)}`)).toBeDefined();
    expect(parse('HTTP/1.1 200 OK', `a: ${'b'.repeat(headMaxBytes)}`)).toBeUndefined();
    expect(parse('HTTP/1.1 200 OK', ...Array<string>(1_000).fill('a:'))).toBeDefined();
    expect(parse('HTTP/1.1 200 OK', ...Array<string>(1_001).fill('a:'))).toBeUndefined();
  });
});
