/** Stops what was started, the last first; each part once, and all of them even when one fails. */
export interface Stopper {
  add(name: string, stop: () => Promise<void>): void;
  /** @throws AggregateError of what failed, after all was tried. */
  stop(): Promise<void>;
}

export function createStopper(): Stopper {
  const parts: { readonly name: string; readonly stop: () => Promise<void> }[] = [];
  let stopping: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let part = parts.pop(); part; part = parts.pop()) {
      try {
        await part.stop();
      } catch (error) {
        failures.push(new Error(`could not stop ${part.name}`, { cause: error }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '));
  }

  return {
    add(name, stop) {
      parts.push({ name, stop });
      // a part that came up after the stop: nobody else would end it
      stopping = stopping?.then(stopAll);
      stopping?.catch(() => undefined);
    },
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
  };
}
