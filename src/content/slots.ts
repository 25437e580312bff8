/** Runs works as they come, at most `most` at a time. */
export function createSlots(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= most) await new Promise<void>((go) => waiting.push(go));
    else running += 1;
    try {
      return await work();
    } finally {
      // handed over to the next one, so that nobody gets in between
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
