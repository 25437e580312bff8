/** Below the limit of a test, so that the report names the condition instead of the test alone. */
const limitMs = 200_000;

/** Polls until the condition holds. @throws after the limit, with the condition's text. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  { atMostMs = limitMs }: { readonly atMostMs?: number } = {},
): Promise<void> {
  const endsAt = performance.now() + atMostMs;
  while (!(await holds())) {
    if (performance.now() > endsAt) throw new Error(`Not so within ${atMostMs} ms: ${String(holds)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
