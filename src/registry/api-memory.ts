/** What a registry has shown of one of its APIs. It is forgotten after a while, for registries are upgraded. */
export interface ApiMemory {
  /** Why the API is taken as absent; undefined where it must be asked. */
  absence(): string | undefined;
  /** The API has answered. */
  seen(): void;
  /** The registry has no such route for this object. */
  missing(object: string, reason: string): void;
}

/** One answer is no proof: so many different objects have to be answered alike, and none otherwise. */
const objectsNeeded = 3;
const rememberedMs = 10 * 60 * 1000;

export function createApiMemory(now: () => number = () => performance.now()): ApiMemory {
  const objects = new Set<string>();
  let seenUntilMs = Number.NEGATIVE_INFINITY;
  let absent: { readonly reason: string; readonly untilMs: number } | undefined;
  return {
    absence: () => (absent !== undefined && now() < absent.untilMs ? absent.reason : undefined),
    seen() {
      seenUntilMs = now() + rememberedMs;
      objects.clear();
      absent = undefined;
    },
    missing(object, reason) {
      if (now() < seenUntilMs) return;
      objects.add(object);
      if (objects.size < objectsNeeded) return;
      objects.clear();
      absent = { reason, untilMs: now() + rememberedMs };
    },
  };
}
