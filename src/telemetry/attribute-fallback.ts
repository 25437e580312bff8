/** Starts workflows with search attributes, and without them in a namespace that lacks them. */
export interface AttributeFallback {
  /**
   * Runs `start` with the attributes. If Temporal refuses them, `start` runs again without any, and for ten minutes they are left out.
   * @throws what `start` throws for another reason
   */
  attempt<A, T>(
    attributes: readonly A[],
    start: (options: { typedSearchAttributes?: A[] }) => Promise<T>,
  ): Promise<T>;
  /** The attributes, or none while they are left out. */
  present<A>(attributes: readonly A[]): readonly A[];
}

/** They may be registered at any time. */
const leftOutMs = 10 * 60 * 1_000;

export function createAttributeFallback(warn: (fields: object, message: string) => void): AttributeFallback {
  let leftOutUntil = Number.NEGATIVE_INFINITY;
  const present = <A>(attributes: readonly A[]): readonly A[] =>
    performance.now() < leftOutUntil ? [] : attributes;
  return {
    present,
    async attempt(attributes, start) {
      const given = present(attributes);
      if (given.length === 0) return start({});
      try {
        return await start({ typedSearchAttributes: [...given] });
      } catch (error) {
        if (!isRefusal(error)) throw error;
        if (performance.now() >= leftOutUntil)
          warn(
            { err: error },
            'Temporal\'s namespace lacks Tidemark\'s search attributes, so workflows start without them. Run "tidemark migrate" with TEMPORAL_ADDRESS set',
          );
        leftOutUntil = performance.now() + leftOutMs;
        return start({});
      }
    },
  };
}

const invalidArgument = 3;

function isRefusal(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && cause.code === invalidArgument) return /search attribute/i.test(cause.message);
  return false;
}
