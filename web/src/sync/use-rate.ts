import { useEffect, useState } from 'react';

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

const WINDOW_MS = 8_000;

/** Bytes a second over the last seconds; undefined until two samples are there. */
export function useRate(bytes: number, running: boolean): number | undefined {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  useEffect(() => {
    if (!running) return;
    const at = Date.now();
    setSamples((before) => [...before.filter((sample) => at - sample.at < WINDOW_MS), { at, bytes }]);
  }, [bytes, running]);
  const [first, last] = [samples[0], samples.at(-1)];
  if (!running || first === undefined || last === undefined || last.at - first.at < 400) return undefined;
  return ((last.bytes - first.bytes) / (last.at - first.at)) * 1000;
}
