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

const realTime: ThrottleClock = { aheadMs: () => 0, delayMs: (waitMs) => waitMs };

/** What one sync is at one host. */
export interface ThrottledSync {
  readonly taskId: number;
  /** With its port, as in the remote's url. */
  readonly host: string;
}

export interface Throttles {
  /** @throws TidemarkError `UPSTREAM_THROTTLED` while the host is not to be asked. */
  check(host: string): Promise<void>;
  /** Takes what an answer says about the host's limit. */
  see(host: string, limit: RateLimit): void;
  /**
   * Turns a 429 into a wait for all syncs of the host; any other error is answered as it is. The wait is the host's own, else 5, 15, 45, then
   * 60 seconds, up to the budget of the sync (`TIDEMARK_THROTTLE_BUDGET`), which counts from its last progress.
   */
  settle(em: Em, sync: ThrottledSync, error: unknown): Promise<unknown>;
  /** How often a task has waited. */
  count(em: Em, taskId: number): Promise<number>;
}

/** How long a look at the database counts, of a host that is not throttled. */
const freshMs = 1_000;
const idleHosts = 1_000;

interface Known {
  readonly checkedAtMs: number;
  readonly untilMs: number;
  readonly windowMs?: number | undefined;
}

export function createThrottles({
  database,
  throttleBudgetSeconds,
  throttleClock = realTime,
  logger,
}: Pick<ActivityDeps, 'database' | 'throttleBudgetSeconds' | 'throttleClock' | 'logger'>): Throttles {
  const hosts = new Map<string, Known>();
  const looking = new Map<string, Promise<number>>();
  const now = () => performance.now() + throttleClock.aheadMs();
  const aheadMs = () => throttleClock.aheadMs();

  function keep(host: string, change: Partial<Known>): void {
    const known = hosts.get(host) ?? { checkedAtMs: Number.NEGATIVE_INFINITY, untilMs: 0 };
    if (hosts.size >= idleHosts && !hosts.has(host)) hosts.clear();
    hosts.set(host, { ...known, ...change });
  }

  async function look(host: string): Promise<number> {
    const leftMs = await readThrottle(database.em.fork(), host, aheadMs());
    keep(host, { checkedAtMs: now(), untilMs: now() + leftMs });
    return leftMs;
  }

  /** The requests that come meanwhile share one look. */
  async function lookOnce(host: string): Promise<number> {
    const running = looking.get(host);
    if (running !== undefined) return running;
    const started = look(host).finally(() => looking.delete(host));
    looking.set(host, started);
    return started;
  }

  async function note(em: Em, host: string, announcedMs: number | undefined) {
    const { windowMs } = hosts.get(host) ?? {};
    const throttle = await noteThrottle(em, host, { announcedMs, windowMs, aheadMs: aheadMs() });
    keep(host, { checkedAtMs: now(), untilMs: now() + throttle.waitMs });
    return throttle;
  }

  return {
    async check(host) {
      const known = hosts.get(host);
      if (known !== undefined && known.untilMs > now()) throw throttled(host, known.untilMs - now());
      if (known !== undefined && now() - known.checkedAtMs < freshMs) return;
      const leftMs = await lookOnce(host);
      if (leftMs > 0) throw throttled(host, leftMs);
    },

    see(host, { remaining, resetMs, windowMs }) {
      if (windowMs !== undefined && hosts.get(host)?.windowMs !== windowMs) keep(host, { windowMs });
      if (remaining !== 0 || resetMs === undefined || resetMs > longestThrottleMs) return;
      // what is left of the window would be answered 429: nobody asks before the next one
      keep(host, { checkedAtMs: now(), untilMs: now() + resetMs });
      note(database.em.fork(), host, resetMs).catch((error: unknown) =>
        logger.warn({ err: error, host }, 'could not note that an upstream is throttled'),
      );
    },

    async settle(em, { taskId, host }, error) {
      if (!isTidemarkError(error)) return error;
      if (error.code === 'UPSTREAM_THROTTLED') {
        await addWarnings(em, taskId, [slowedDown(host)]);
        return waiting(error, throttleClock.delayMs(error.retryAfterMs ?? 0));
      }
      if (error.code !== 'UPSTREAM_RATE_LIMITED' || (error.retryAfterMs ?? 0) > longestThrottleMs)
        return error;
      const isAnnounced = error.retryAfterMs !== undefined;
      const { waitMs, isNew } = await note(em, host, error.retryAfterMs);
      const { waitedMs, waits } = isNew
        ? await addThrottle(em, taskId, isAnnounced ? 0 : waitMs)
        : { waitedMs: 0, waits: 0 };
      const budgetMs = Math.max(throttleBudgetSeconds * 1000, 1.2 * (hosts.get(host)?.windowMs ?? 0));
      const before = isAnnounced ? waitedMs : waitedMs - waitMs;
      if (before >= budgetMs || waits > waitsAtMost) return givenUp(error, before);
      if (isNew) await addWarnings(em, taskId, [slowedDown(host)]);
      return waiting(error, throttleClock.delayMs(waitMs));
    },

    count: countThrottles,
  };
}

/** Above what any sync needs: a host that always says "in a second" is not asked for ever. */
const waitsAtMost = 100_000;

function throttled(host: string, leftMs: number): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_THROTTLED',
    `${host} has asked to slow down; it is not asked for another ${Math.ceil(leftMs / 1000)} s.`,
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
    `${message} The sync has waited ${Math.round(waitedMs / 60_000)} minutes without any progress. What it has fetched is kept for the next ` +
      'sync. TIDEMARK_THROTTLE_BUDGET says how long a sync waits.',
    { status: 429 },
  );
}

function slowedDown(host: string): string {
  return `${host} limits how many requests it answers: the sync waited, and went on where it was. Give the remote credentials or a lower rateLimit.`;
}
