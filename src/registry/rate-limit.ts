import { joinedHeader } from './transport/exchange.ts';
import type { HttpHeaders } from './transport/exchange.ts';

/** The rate limit that an answer states. */
export interface RateLimit {
  /** Requests in a window. */
  readonly limit?: number;
  /** Requests left in the window. */
  readonly remaining?: number;
  /** Milliseconds until the next window begins. */
  readonly resetMs?: number;
  /** Length of the window. */
  readonly windowMs?: number;
}

/**
 * Reads the forms that registries send: `RateLimit-Remaining: 93;w=21600` (Docker Hub), `RateLimit: "default";r=50;t=30` with
 * `RateLimit-Policy` (IETF draft-ietf-httpapi-ratelimit-headers from 08 on), `RateLimit: limit=100, remaining=50, reset=30` (07),
 * `RateLimit-Reset`, and `X-RateLimit-Remaining` with a Reset in seconds or as a time. Undefined if none is readable.
 */
export function parseRateLimit(headers: HttpHeaders, nowMs: number = Date.now()): RateLimit | undefined {
  const field = (name: string) => joinedHeader(headers, name)?.slice(0, 400);
  const limit = field('ratelimit');
  const remaining =
    lead(field('ratelimit-remaining')) ??
    parameter(limit, 'remaining') ??
    parameter(limit, 'r') ??
    lead(field('x-ratelimit-remaining'));
  const reset =
    lead(field('ratelimit-reset')) ??
    parameter(limit, 'reset') ??
    parameter(limit, 't') ??
    lead(field('x-ratelimit-reset'));
  const most =
    lead(field('ratelimit-limit')) ??
    parameter(limit, 'limit') ??
    parameter(field('ratelimit-policy'), 'q') ??
    lead(field('x-ratelimit-limit'));
  const window =
    parameter(field('ratelimit-remaining'), 'w') ??
    parameter(field('ratelimit-limit'), 'w') ??
    parameter(field('ratelimit-policy'), 'w');
  if (remaining === undefined && reset === undefined && window === undefined) return undefined;
  return {
    ...(most === undefined ? {} : { limit: most }),
    ...(remaining === undefined ? {} : { remaining }),
    ...(reset === undefined ? {} : { resetMs: millisecondsUntil(reset, nowMs) }),
    ...(window === undefined ? {} : { windowMs: window * 1000 }),
  };
}

/** The value is seconds from now, or since 1970: no window is 30 years long. */
function millisecondsUntil(reset: number, nowMs: number): number {
  return Math.max(0, reset > 1_000_000_000 ? reset * 1000 - nowMs : reset * 1000);
}

/** The number at the start of a field. */
function lead(value: string | undefined): number | undefined {
  const [, digits] = /^\s*(\d{1,12})(?![\d.])/.exec(value ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** The number of `name=…` in a list of parameters. */
function parameter(value: string | undefined, name: string): number | undefined {
  for (const part of (value ?? '').split(/[;,]/)) {
    const [key = '', digits = ''] = part.split('=', 2);
    if (key.trim().toLowerCase() === name && /^\s*\d{1,12}\s*$/.test(digits)) return Number(digits);
  }
  return undefined;
}
