import { dropQuota, noteQuota, readQuota, takeProbe } from '../../db/tasks/request-quotas.ts';
import type { KnownQuota } from '../../db/tasks/request-quotas.ts';
import type { Remote } from '../../db/schema/remotes.ts';
import { abortable } from '../../content/abortable.ts';
import { TidemarkError } from '../../oci/error.ts';
import type { Admission, ManifestQuota } from '../../registry/manifest-quota.ts';
import type { RateLimit } from '../../registry/registry.ts';
import { hostScope } from '../../upstream/clients/host-scope.ts';
import type { Em } from '../../db/open-database.ts';
import type { ActivityDeps, ThrottleClock } from '../deps.ts';
import { realTime } from './throttles.ts';

export interface Quotas {
  /** The quota of a remote's account; undefined if the remote reserves nothing. */
  open(remote: Remote): ManifestQuota | undefined;
}

/** Until the next look, where the registry says neither when its window ends nor how long that is. */
const unknownMs = 15 * 60_000;
const shortestMs = 60_000;
/** The longest wait for a quota. A longer one means that a clock was set back. */
const longestMs = 24 * 60 * 60_000;
/** How long a worker believes that nobody has reached the reserve. */
const freshMs = 1_000;
const scopesMost = 1_000;

/** What this worker knows of an account, by its answers. */
interface Known {
  limit?: number | undefined;
  remaining?: number | undefined;
  answeredAtMs: number;
  /** When `remaining` is too old. */
  untilMs: number;
  /** When the database was last looked at. */
  readAtMs: number;
  isNoted: boolean;
  /** Changes of the row by this worker. */
  writes: number;
  /** Whether the last answers announced no quota. Then nothing is held back. */
  isSilent: boolean;
  /** Sent, and not answered yet. */
  inFlight: number;
  /** The end of the next request in flight. */
  next: PromiseWithResolvers<void>;
}

type QuotaDeps = Pick<ActivityDeps, 'database' | 'throttleClock'>;

export function createQuotas({ database, throttleClock: clock = realTime }: QuotaDeps): Quotas {
  const scopes = new Map<string, Known>();
  return {
    open(remote) {
      const { reserveRequests: reserve } = remote;
      if (reserve == null) return undefined;
      // what is left for one reserve says nothing about another
      const scope = `${hostScope(remote)} ${reserve}`;
      const known = scopes.get(scope) ?? nothingKnown();
      if (scopes.size >= scopesMost && !scopes.has(scope)) scopes.clear();
      scopes.set(scope, known);
      const { host } = new URL(remote.url);
      const account = { em: () => database.em.fork(), clock, scope, host, reserve, known };
      return { admit: (signal) => admit(account, signal) };
    },
  };
}

function nothingKnown(): Known {
  const never = Number.NEGATIVE_INFINITY;
  const times = { answeredAtMs: never, untilMs: never, readAtMs: never };
  return { ...times, inFlight: 0, isNoted: false, writes: 0, isSilent: false, next: Promise.withResolvers() };
}

interface Account {
  readonly em: () => Em;
  readonly clock: ThrottleClock;
  readonly scope: string;
  readonly host: string;
  readonly reserve: number;
  readonly known: Known;
}

function nowOf({ clock }: Account): number {
  return performance.now() + clock.aheadMs();
}

async function admit(account: Account, signal: AbortSignal | undefined): Promise<Admission> {
  const { em, clock, scope, host, reserve, known } = account;
  for (;;) {
    if (known.limit !== undefined && known.limit <= reserve) throw neverFree(host, reserve, known.limit);
    const own = ownAnswer(account);
    if (own !== undefined && own - known.inFlight > reserve) return admission(account, false);
    const shared = await readShared(account);
    if (shared !== undefined && shared.remaining <= reserve) {
      if (shared.leftMs > 0 && shared.leftMs < longestMs) throw reserved(host, reserve, shared);
      if (await takeProbe(em(), scope, clock.aheadMs())) return admission(account, true);
      throw reserved(host, reserve, { ...shared, leftMs: shortestMs });
    }
    // The reserve may have been reached during the look at the database.
    const isReached = known.isNoted && (ownAnswer(account) ?? Number.POSITIVE_INFINITY) <= reserve;
    if (known.isSilent || (known.inFlight === 0 && !isReached)) return admission(account, false);
    // The answers to the requests in flight tell how much is left.
    if (known.inFlight > 0) await abortable(known.next.promise, signal);
  }
}

/** What the latest answer said, unless that is too old. */
function ownAnswer(account: Account): number | undefined {
  const { untilMs, remaining } = account.known;
  return nowOf(account) < untilMs ? remaining : undefined;
}

/** The row that all workers share; undefined: none has reached its reserve. */
async function readShared(account: Account): Promise<KnownQuota | undefined> {
  const { em, clock, scope, known } = account;
  if (!known.isNoted && nowOf(account) - known.readAtMs < freshMs) return undefined;
  const { writes } = known;
  const found = await readQuota(em(), scope, clock.aheadMs());
  // An answer has changed the row meanwhile.
  if (known.writes !== writes) return readShared(account);
  known.readAtMs = nowOf(account);
  known.isNoted = found !== undefined;
  return found;
}

function admission(account: Account, isProbe: boolean): Admission {
  const { known } = account;
  const startedAtMs = nowOf(account);
  known.inFlight += 1;
  return {
    isProbe,
    async end(answer) {
      try {
        if (answer !== undefined) await learn(account, answer.limit, { isProbe, startedAtMs });
      } finally {
        known.inFlight -= 1;
        known.next.resolve();
        known.next = Promise.withResolvers();
      }
    },
  };
}

async function learn(
  account: Account,
  said: RateLimit | undefined,
  { isProbe, startedAtMs }: { readonly isProbe: boolean; readonly startedAtMs: number },
): Promise<void> {
  const { em, clock, scope, host, reserve, known } = account;
  const { limit, remaining } = said ?? {};
  if (remaining === undefined) {
    // Other answers may announce it. Without any in its time, the registry announces no quota any more.
    if (nowOf(account) < known.untilMs && !isProbe) return;
    known.remaining = undefined;
    known.isSilent = true;
    if (isProbe) await forget(account);
    return;
  }
  // Of concurrent requests, an answer that is read later may be the older one.
  const isOlder = startedAtMs < known.answeredAtMs && nowOf(account) < known.untilMs;
  if (isOlder && remaining > (known.remaining ?? 0)) return;
  const probeMs = untilNext(said);
  const answeredAtMs = nowOf(account);
  const untilMs = answeredAtMs + probeMs;
  Object.assign(known, { limit, remaining, answeredAtMs, untilMs, isSilent: false });
  if (remaining <= reserve) {
    known.isNoted = true;
    known.writes += 1;
    await noteQuota(em(), scope, { host, remaining, probeMs, aheadMs: clock.aheadMs() });
  } else if (known.isNoted) await forget(account);
}

async function forget({ em, scope, known }: Account): Promise<void> {
  known.isNoted = false;
  known.writes += 1;
  await dropQuota(em(), scope);
}

/** The end of the window, or a sixtieth of one that slides, as Docker Hub's. */
function untilNext({ resetMs, windowMs }: RateLimit = {}): number {
  const nextMs = resetMs ?? (windowMs === undefined ? unknownMs : windowMs / 60);
  return Math.min(longestMs - 1, Math.max(shortestMs, nextMs));
}

function reserved(host: string, reserve: number, { remaining, leftMs }: KnownQuota): TidemarkError {
  return new TidemarkError(
    'QUOTA_RESERVED',
    `${host} has ${Math.max(0, remaining)} requests left, and the remote reserves ${reserve} for others. The sync looks again in ` +
      `${Math.ceil(leftMs / 1000)} s. Lower reserveRequests to continue earlier.`,
    { origin: 'server', retryable: true, retryAfterMs: leftMs },
  );
}

function neverFree(host: string, reserve: number, limit: number): TidemarkError {
  return new TidemarkError(
    'QUOTA_TOO_SMALL',
    `The remote reserves ${reserve} requests for others, and ${host} allows ${limit} in a window. Set reserveRequests below ${limit}.`,
    { origin: 'caller' },
  );
}
