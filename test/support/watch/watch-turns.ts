import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** Watches the event loop: how long one turn keeps it busy. */
export interface TurnWatch {
  /** Forgets what was seen so far. */
  begin(): void;
  /** The longest turn since `begin`; 0 where none was of note. */
  longestMs(): Promise<number>;
  /** The same, less every collection since `begin`, whichever turn it was in: what is left is beyond doubt. */
  surelyMs(): Promise<number>;
  /** What begins and ends within the work makes no turn: for what a process does once, before it serves anybody. */
  without<T>(work: () => Promise<T>): Promise<T>;
  stop(): void;
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly ms: number;
}

/**
 * Time is the thread's own processor time, so that a machine with other work to do makes no long turn; nor does garbage collection.
 * Turns that are over before the watch looks again are added up: `everyMs` is how much longer a turn may seem to be than it was.
 */
export function watchTurns({
  everyMs,
  notedMs,
}: {
  readonly everyMs: number;
  /** Shorter ones are not of note. */
  readonly notedMs: number;
}): TurnWatch {
  let turns: Span[] = [];
  let collections: Span[] = [];
  let without = 0;
  let from = performance.now();
  let usage = process.threadCpuUsage();

  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      collections.push({ from: startTime, to: startTime + duration, ms: duration });
  });
  observer.observe({ entryTypes: ['gc'] });
  const timer = setInterval(look, everyMs).unref();

  function look(): void {
    const { user, system } = process.threadCpuUsage(usage);
    const ms = (user + system) / 1_000;
    const to = performance.now();
    if (ms >= notedMs && without === 0) turns.push({ from, to, ms });
    from = to;
    usage = process.threadCpuUsage();
  }

  function withoutCollections(turn: Span): number {
    const within = collections.filter((span) => span.from < turn.to && span.to > turn.from);
    return within.reduce((left, { ms }) => left - ms, turn.ms);
  }

  return {
    begin() {
      look();
      turns = [];
      collections = [];
    },
    async longestMs() {
      look();
      if (turns.length === 0) return 0;
      // what the collector took is told a turn later
      await sleep(1);
      return Math.max(0, ...turns.map(withoutCollections));
    },
    async surelyMs() {
      look();
      await sleep(1);
      const longest = Math.max(0, ...turns.map(({ ms }) => ms));
      return Math.max(0, longest - collections.reduce((sum, { ms }) => sum + ms, 0));
    },
    async without(work) {
      look();
      without += 1;
      try {
        return await work();
      } finally {
        look();
        without -= 1;
      }
    },
    stop() {
      clearInterval(timer);
      observer.disconnect();
    },
  };
}

/** The longest turn while the work runs. */
export async function longestTurnMs(work: () => Promise<unknown>): Promise<number> {
  const watch = watchTurns({ everyMs: 1, notedMs: 1 });
  try {
    await work();
    return await watch.longestMs();
  } finally {
    watch.stop();
  }
}
