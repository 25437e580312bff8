/** Limits concurrent work to `most`, in order of arrival. */
export function createSlots(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= most) await new Promise<void>((go) => waiting.push(go));
    else running += 1;
    try {
      return await work();
    } finally {
      // The next one takes the slot, so that no other call can.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
