import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../db/open-database.ts';
import type { Remote } from '../db/schema/remotes.ts';
import { leaseBytes } from '../db/tasks/byte-leases.ts';
import type { ByteScope } from '../db/tasks/byte-leases.ts';
import type { ByteBudget } from '../registry/byte-budget.ts';
import { parseRates, rateAt } from '../timetables/rates.ts';
import type { RateTimetable } from '../timetables/rates.ts';
import { createLimiter } from './limiter.ts';

/** Limits of hosts, by host and port in lower case (`TIDEMARK_HOST_BYTES_PER_SECOND`). */
export type HostRates = ReadonlyMap<string, RateTimetable>;

/** The limits of bandwidth of this process. All processes together stay within them, because each takes leases from the database. */
export interface Bandwidth {
  /** What a client of the remote may read; undefined: there is no limit. */
  budgetOf(remote: Pick<Remote, 'id' | 'url' | 'bytesPerSecond'>): ByteBudget | undefined;
}

/** The bytes of a lease are those of this time. */
const leaseMs = 500;
/** What is left of a lease after this time is not used any more, so that no process saves up bytes. */
const staleMs = 2 * leaseMs;
const minuteMs = 60_000;
const bucketsMost = 1_000;

export function createBandwidth(
  database: Database,
  hostRates: HostRates,
  now: () => number = Date.now,
): Bandwidth {
  const buckets = new Map<string, Bucket>();
  const lease = (scope: ByteScope) => (bytes: number, rate: number) =>
    leaseBytes(database.em.fork(), scope, { bytes, rate });

  /** Clients of one scope share what is left of a lease. */
  function bucketOf(name: string, scope: ByteScope): Bucket {
    const known = buckets.get(name) ?? createBucket(lease(scope));
    if (buckets.size >= bucketsMost && !buckets.has(name)) buckets.clear();
    buckets.set(name, known);
    return known;
  }

  return {
    budgetOf({ id, url, bytesPerSecond }) {
      const host = new URL(url).host;
      const ofHost = hostRates.get(host);
      const ofRemote = bytesPerSecond == null ? undefined : parseRates(bytesPerSecond);
      const budgets = [
        ...(ofRemote !== undefined && 'value' in ofRemote
          ? [limit(bucketOf(`remote ${id}`, { remoteId: id }), ofRemote.value, now)]
          : []),
        ...(ofHost === undefined ? [] : [limit(bucketOf(`host ${host}`, { host }), ofHost, now)]),
      ];
      return budgets.length > 1 ? together(budgets) : budgets[0];
    },
  };
}

function limit(bucket: Bucket, timetable: RateTimetable, now: () => number): ByteBudget {
  let minute = Number.NaN;
  let current: number | undefined;
  const rate = () => {
    const at = Math.floor(now() / minuteMs);
    if (at !== minute) {
      minute = at;
      current = rateAt(timetable, at * minuteMs);
    }
    return current;
  };
  return {
    rate,
    take: (bytes, signal = new AbortController().signal) => bucket.take(bytes, rate, signal),
    // without a limit nothing was taken
    settle: (bytes) => {
      if (rate() !== undefined) bucket.settle(bytes);
    },
  };
}

/** The lowest rate decides. */
function together(budgets: readonly ByteBudget[]): ByteBudget {
  return {
    rate() {
      const rates = budgets.flatMap((budget) => budget.rate() ?? []);
      return rates.length === 0 ? undefined : Math.min(...rates);
    },
    async take(bytes, signal) {
      for (const budget of budgets) await budget.take(bytes, signal);
    },
    settle(bytes) {
      for (const budget of budgets) budget.settle(bytes);
    },
  };
}

interface Bucket {
  take(bytes: number, rate: () => number | undefined, signal: AbortSignal): Promise<void>;
  settle(bytes: number): void;
}

/** The bytes of this process. Readers wait in order, each for what it takes. */
function createBucket(lease: (bytes: number, rate: number) => Promise<number>): Bucket {
  const queue = createLimiter(1);
  /** Below 0 when more was read than was taken. The next lease pays for it. */
  let left = 0;
  let leased = 0;
  let readyAt = 0;

  return {
    take: (bytes, rate, signal) =>
      queue.run(signal, async () => {
        const perSecond = rate();
        if (perSecond === undefined) return;
        if (performance.now() > readyAt + staleMs) left = Math.min(left, 0);
        if (left < bytes) {
          leased = Math.ceil(Math.max((perSecond * leaseMs) / 1000, bytes - left));
          const waitMs = await lease(leased, perSecond);
          readyAt = performance.now() + waitMs;
          left += leased;
        }
        // An aborted wait leaves the lease to the next reader.
        const waitMs = readyAt - performance.now();
        if (waitMs > 0) await wait(waitMs, signal);
        left -= bytes;
      }),
    settle(bytes) {
      left = Math.min(left - bytes, leased);
    },
  };
}

/** @throws the signal's reason, which the timer wraps. */
async function wait(waitMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(waitMs, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
