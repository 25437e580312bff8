const firstMs = 10_000;
const factor = 3;
const longestMs = 4 * 60 * 60 * 1000;
/** A delivery is tried for so long. */
export const retriedForMs = 24 * 60 * 60 * 1000;

/**
 * The pause before the next attempt: 10 s, 30 s, 90 s and so on up to 4 hours, or longer if the endpoint asks for it. A tenth of it is random.
 * Undefined: the day is over.
 */
export function nextAttemptInMs(
  {
    attempts,
    ageMs,
    askedMs = 0,
  }: { readonly attempts: number; readonly ageMs: number; readonly askedMs?: number | undefined },
  random = Math.random(),
): number | undefined {
  const backoffMs = Math.min(firstMs * factor ** (attempts - 1), longestMs) * (0.9 + random / 5);
  const pauseMs = Math.max(backoffMs, Math.min(askedMs, longestMs));
  return ageMs + pauseMs > retriedForMs ? undefined : Math.round(pauseMs);
}
