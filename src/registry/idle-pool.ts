interface Closable {
  close(): Promise<void>;
}

/** One user's hold on a shared value. */
export interface Held<Value> {
  readonly value: Value;
  readonly release: () => void;
}

/** Values by key that several users share. Each is closed when nobody has used it for a minute. */
export interface IdlePool<Value> {
  /** The value of this key; opens one if there is none. */
  hold(key: string, open: () => Value): Held<Value>;
  /** Closes the values that nobody uses; the others close when they are released. */
  close(): Promise<void>;
}

interface Entry<Value> {
  readonly value: Value;
  users: number;
  idleSince: number;
}

const idleMs = 60_000;

export function createIdlePool<Value extends Closable>(): IdlePool<Value> {
  const entries = new Map<string, Entry<Value>>();
  let isClosed = false;
  const sweep = setInterval(() => void closeIdle(performance.now() - idleMs), idleMs / 4);
  sweep.unref();

  async function closeIdle(before: number): Promise<void> {
    for (const [key, entry] of entries) {
      if (entry.users > 0 || entry.idleSince > before) continue;
      entries.delete(key);
      await entry.value.close();
    }
  }

  return {
    hold(key, open) {
      const entry = entries.get(key) ?? { value: open(), users: 0, idleSince: performance.now() };
      entries.set(key, entry);
      entry.users += 1;
      let isHeld = true;
      return {
        value: entry.value,
        release() {
          if (!isHeld) return;
          isHeld = false;
          entry.users -= 1;
          entry.idleSince = performance.now();
          if (entry.users === 0 && isClosed) void entry.value.close();
        },
      };
    },
    async close() {
      isClosed = true;
      clearInterval(sweep);
      await closeIdle(Number.POSITIVE_INFINITY);
    },
  };
}
