import {
  addThrottle,
  countThrottles,
  longestThrottleMs,
  noteThrottle,
  readThrottle,
} from '../../db/tasks/host-throttles.ts';
import type { Em } from '../../db/open-database.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import type { RateLimit } from '../../registry/registry.ts';
import type { ActivityDeps, ThrottleClock } from '../deps.ts';

export const realTime: ThrottleClock = { aheadMs: () => 0, delayMs: (waitMs) => waitMs };

export interface ThrottledSync {
  readonly taskId: number;
  /** Host and port of the remote's URL. */
  readonly host: string;
}

export interface Throttles {
  /** @throws TidemarkError `UPSTREAM_THROTTLED` while the host must not be asked */
  check(host: string): Promise<void>;
  /** Takes the rate limit that an answer states. */
  see(host: string, limit: RateLimit): void;
  /** Makes all syncs wait for a host that has answered 429. The caller asks another host meanwhile. */
  note(host: string, error: TidemarkError): Promise<void>;
  /**
   * Turns a 429 into a wait of all syncs of the host, and returns any other error unchanged. The wait is the host's own, else 5, 15, 45, then
   * 60 seconds. The budget of the sync (`TIDEMARK_THROTTLE_BUDGET`) limits the waits since its last progress.
   */
  settle(em: Em, sync: ThrottledSync, error: unknown): Promise<unknown>;
  /** How often a task has waited. */
  count(em: Em, taskId: number): Promise<number>;
}

/** How long a host that is not throttled is not looked up again. */
const freshMs = 1_000;
const idleHosts = 1_000;

interface Known {
  readonly checkedAtMs: number;
  readonly untilMs: number;
  readonly windowMs?: number | undefined;
}

type ThrottleDeps = Pick<ActivityDeps, 'database' | 'throttleBudgetSeconds' | 'throttleClock' | 'logger'>;

export function createThrottles(deps: ThrottleDeps): Throttles {
  const { database, throttleBudgetSeconds, throttleClock = realTime, logger } = deps;
  const hosts = createHosts(database, throttleClock);
  return {
    async check(host) {
      const leftMs = await hosts.leftMs(host);
      if (leftMs > 0) throw throttled(host, leftMs);
    },

    see(host, { remaining, resetMs, windowMs }) {
      if (windowMs !== undefined) hosts.keepWindow(host, windowMs);
      if (remaining !== 0 || resetMs === undefined || resetMs > longestThrottleMs) return;
      // the rest of the window would be answered 429, so no request is sent before the next one
      hosts.keepWait(host, resetMs);
      hosts
        .note(database.em.fork(), host, resetMs)
        .catch((error: unknown) =>
          logger.warn({ err: error, host }, 'could not note that an upstream is throttled'),
        );
    },

    async note(host, { code, retryAfterMs }) {
      if (code === 'UPSTREAM_RATE_LIMITED') await hosts.note(database.em.fork(), host, retryAfterMs);
    },

    async settle(em, { taskId, host }, error) {
      if (!isTidemarkError(error)) return error;
      if (error.code === 'QUOTA_RESERVED')
        return waiting(error, throttleClock.delayMs(error.retryAfterMs ?? 0));
      if (error.code === 'UPSTREAM_THROTTLED') {
        await addWarnings(em, taskId, [slowedDown(host)]);
        return waiting(error, throttleClock.delayMs(error.retryAfterMs ?? 0));
      }
      if (error.code !== 'UPSTREAM_RATE_LIMITED' || (error.retryAfterMs ?? 0) > longestThrottleMs)
        return error;
      const isAnnounced = error.retryAfterMs !== undefined;
      const { waitMs, isNew } = await hosts.note(em, host, error.retryAfterMs);
      const { waitedMs, waits } = isNew
        ? await addThrottle(em, taskId, isAnnounced ? 0 : waitMs)
        : { waitedMs: 0, waits: 0 };
      const budgetMs = Math.max(throttleBudgetSeconds * 1000, 1.2 * (hosts.windowMs(host) ?? 0));
      const before = isAnnounced ? waitedMs : waitedMs - waitMs;
      if (before >= budgetMs || waits > waitsAtMost) return givenUp(error, before);
      if (isNew) await addWarnings(em, taskId, [slowedDown(host)]);
      return waiting(error, throttleClock.delayMs(waitMs));
    },

    count: countThrottles,
  };
}

/** What this worker knows of hosts; the database has it for all workers. */
function createHosts(database: ThrottleDeps['database'], clock: ThrottleClock) {
  const hosts = new Map<string, Known>();
  const looking = new Map<string, Promise<number>>();
  const now = () => performance.now() + clock.aheadMs();

  function keep(host: string, change: Partial<Known>): void {
    const known = hosts.get(host) ?? { checkedAtMs: Number.NEGATIVE_INFINITY, untilMs: 0 };
    if (hosts.size >= idleHosts && !hosts.has(host)) hosts.clear();
    hosts.set(host, { ...known, ...change });
  }

  const keepWait = (host: string, waitMs: number) =>
    keep(host, { checkedAtMs: now(), untilMs: now() + waitMs });

  async function look(host: string): Promise<number> {
    const leftMs = await readThrottle(database.em.fork(), host, clock.aheadMs());
    keepWait(host, leftMs);
    return leftMs;
  }

  return {
    /** How long the host must not be asked. Concurrent callers share one look at the database. */
    async leftMs(host: string): Promise<number> {
      const known = hosts.get(host);
      if (known !== undefined && known.untilMs > now()) return known.untilMs - now();
      if (known !== undefined && now() - known.checkedAtMs < freshMs) return 0;
      const running = looking.get(host) ?? look(host).finally(() => looking.delete(host));
      looking.set(host, running);
      return running;
    },
    keepWait,
    keepWindow: (host: string, windowMs: number) => {
      if (hosts.get(host)?.windowMs !== windowMs) keep(host, { windowMs });
    },
    windowMs: (host: string) => hosts.get(host)?.windowMs,
    async note(em: Em, host: string, announcedMs: number | undefined) {
      const { windowMs } = hosts.get(host) ?? {};
      const throttle = await noteThrottle(em, host, { announcedMs, windowMs, aheadMs: clock.aheadMs() });
      keepWait(host, throttle.waitMs);
      return throttle;
    },
  };
}

/** Ends a sync whose host always answers "in a second". No real sync waits as often. */
const waitsAtMost = 100_000;

function throttled(host: string, leftMs: number): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_THROTTLED',
    `${host} asked to slow down. The next request is sent in ${Math.ceil(leftMs / 1000)} s.`,
    { retryable: true, retryAfterMs: leftMs },
  );
}

function waiting({ code, message, status }: TidemarkError, retryAfterMs: number): TidemarkError {
  return new TidemarkError(code, message, {
    retryable: true,
    retryAfterMs,
    ...(status === undefined ? {} : { status }),
  });
}

function givenUp({ code, message }: TidemarkError, waitedMs: number): TidemarkError {
  return new TidemarkError(
    code,
    `${message} The sync has waited ${Math.round(waitedMs / 60_000)} minutes without any progress. Fetched content is kept for the next ` +
      'sync. TIDEMARK_THROTTLE_BUDGET sets how long a sync waits.',
    { status: 429 },
  );
}

function slowedDown(host: string): string {
  return `${host} limits the rate of requests. The sync waited and continued. Give the remote credentials or a lower rateLimit.`;
}
