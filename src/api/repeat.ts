/**
 * Runs work now, and again after the milliseconds that it returns; undefined ends the repetition. The work handles its own errors.
 * @returns a function that aborts the signal and waits for a running turn.
 */
export function repeat(work: (signal: AbortSignal) => Promise<number | undefined>): () => Promise<void> {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const turn = async (): Promise<void> => {
    const pauseMs = await work(stopping.signal);
    if (pauseMs === undefined || stopping.signal.aborted) return;
    timer = setTimeout(() => {
      running = turn();
    }, pauseMs);
  };
  let running = turn();
  return async () => {
    stopping.abort();
    clearTimeout(timer);
    await running;
  };
}
