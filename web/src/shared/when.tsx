import { useSyncExternalStore } from 'react';
import { exactTime, relativeTime } from './time.ts';

let now = Date.now();
const listeners = new Set<() => void>();
setInterval(() => {
  now = Date.now();
  for (const listener of listeners) listener();
}, 5_000);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The present time in milliseconds; renders again every five seconds. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

interface Props {
  readonly at: string | null | undefined;
  readonly none?: string;
}

/** A time as people say it; the exact one in the reader's zone on hover. */
export function When({ at, none = 'never' }: Props) {
  const present = useNow();
  if (at === null || at === undefined) return <span>{none}</span>;
  return (
    <time dateTime={at} title={exactTime(at)}>
      {relativeTime(at, Math.max(present, Date.now() - 5_000))}
    </time>
  );
}
