/** Stops started parts in reverse order, each once, and all of them even if one fails. */
export interface Stopper {
  add(name: string, stop: () => Promise<void>): void;
  /** @throws AggregateError of the failures, after all parts were stopped. */
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
      // A part that started after the stop: nothing else would end it.
      stopping = stopping?.then(stopAll);
      stopping?.catch(() => undefined);
    },
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
  };
}
