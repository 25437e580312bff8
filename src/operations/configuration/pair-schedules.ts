import type { Present, Values } from './configuration.ts';
import type { Wish } from './list-wishes.ts';

interface Pair {
  readonly wish: Wish;
  readonly found: Present | undefined;
}

/**
 * Schedules have no names. One with the same times and remote is the same schedule. Of the others of a repository, those that an earlier
 * apply made are changed, in their order.
 */
export function pairSchedules(
  wishes: readonly Wish[],
  present: readonly Present[],
  owned: ReadonlySet<number>,
): Pair[] {
  const free = new Set(present);
  const found = new Map<Wish, Present>();
  const take = (wish: Wish, fits: (one: Present) => boolean): void => {
    const one = [...free].find((other) => other.name === wish.name && fits(other));
    if (one === undefined) return;
    free.delete(one);
    found.set(wish, one);
  };
  for (const wish of wishes) take(wish, ({ values }) => timesOf(values) === timesOf(wish.values));
  for (const wish of wishes) if (!found.has(wish)) take(wish, ({ id }) => owned.has(id));
  return wishes.map((wish) => ({ wish, found: found.get(wish) }));
}

function timesOf({ cron, intervalSeconds, timeZone, remote }: Values): string {
  return JSON.stringify([cron, intervalSeconds, timeZone, remote]);
}
