import { expect, test } from 'vitest';
import { parseRateLimit } from '../../src/registry/rate-limit.ts';

const nowMs = Date.UTC(2026, 10, 28);

const rows: { name: string; headers: Record<string, string | string[]>; expected: object | undefined }[] = [
  { name: 'nothing', headers: {}, expected: undefined },
  {
    name: 'Docker Hub: docs.docker.com/docker-hub/usage/pulls',
    headers: { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '93;w=21600' },
    expected: { limit: 100, remaining: 93, windowMs: 21_600_000 },
  },
  {
    name: 'draft-ietf-httpapi-ratelimit-headers-08 and later',
    headers: { ratelimit: '"default";r=0;t=30', 'ratelimit-policy': '"default";q=100;w=60' },
    expected: { limit: 100, remaining: 0, resetMs: 30_000, windowMs: 60_000 },
  },
  {
    name: 'draft-ietf-httpapi-ratelimit-headers-07',
    headers: { ratelimit: 'limit=100, remaining=50, reset=5', 'ratelimit-policy': '100;w=10' },
    expected: { limit: 100, remaining: 50, resetMs: 5_000, windowMs: 10_000 },
  },
  {
    name: 'draft-ietf-httpapi-ratelimit-headers-06 and before',
    headers: { 'ratelimit-limit': '100, 100;w=10', 'ratelimit-remaining': '0', 'ratelimit-reset': '7' },
    expected: { limit: 100, remaining: 0, resetMs: 7_000, windowMs: 10_000 },
  },
  {
    name: 'X-RateLimit with a time',
    headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(nowMs / 1000 + 60) },
    expected: { remaining: 0, resetMs: 60_000 },
  },
  {
    name: 'X-RateLimit with a time that has passed',
    headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(nowMs / 1000 - 60) },
    expected: { remaining: 0, resetMs: 0 },
  },
  {
    name: 'what is no number',
    headers: { 'ratelimit-remaining': '-1', 'ratelimit-reset': 'soon', ratelimit: 'r=1e9;t=0x10' },
    expected: undefined,
  },
  {
    name: 'a field of a megabyte',
    headers: { 'ratelimit-remaining': `${' '.repeat(1_000_000)}1`, ratelimit: `${';'.repeat(1_000_000)}r=1` },
    expected: undefined,
  },
];

test.each(rows)('$name', ({ headers, expected }) => {
  expect(parseRateLimit(headers, nowMs)).toEqual(expected);
});
