import type { TidemarkError } from '../../oci/error.ts';

/** What one client knows about one API of a registry. It expires, because registries are upgraded. */
export interface ApiMemory {
  /** Why the API counts as absent; undefined if it must be asked. */
  absence(): string | undefined;
  /** The API answered. */
  seen(): void;
  /** The registry has no such route, by its answer for this object. Returns true if this answer makes the API count as absent. */
  missing(object: string, reason: string): boolean;
  /** The API answered that it has nothing for this object, refused, or answered wrongly: there may be such a route. */
  answered(): void;
  /** The registry asked to slow down. */
  throttled(): void;
  /** All attempts for this object failed. */
  failed(object: string, error: TidemarkError): void;
  /** The recent fault of several objects in a row; undefined if the API must be asked. */
  fault(): TidemarkError | undefined;
}

/** This many objects must get the same answer, and none another: one answer proves nothing. */
export const objectsNeeded = 3;
const rememberedMs = 10 * 60 * 1000;
/** After this many faults, further objects would only delay a sync with their retries. */
const faultRememberedMs = 60 * 1000;

export function createApiMemory(now: () => number = () => performance.now()): ApiMemory {
  const objects = new Set<string>();
  let seenUntilMs = Number.NEGATIVE_INFINITY;
  const failed = new Set<string>();
  let fault: { readonly error: TidemarkError; readonly untilMs: number } | undefined;
  let absent: { readonly reason: string; readonly untilMs: number } | undefined;
  return {
    absence: () => (absent !== undefined && now() < absent.untilMs ? absent.reason : undefined),
    fault: () => (fault !== undefined && now() < fault.untilMs ? fault.error : undefined),
    answered() {
      failed.clear();
      objects.clear();
      absent = undefined;
    },
    throttled: () => failed.clear(),
    failed(object, error) {
      failed.add(object);
      if (failed.size < objectsNeeded) return;
      failed.clear();
      fault = { error, untilMs: now() + faultRememberedMs };
    },
    seen() {
      failed.clear();
      fault = undefined;
      seenUntilMs = now() + rememberedMs;
      objects.clear();
      absent = undefined;
    },
    missing(object, reason) {
      failed.clear();
      if (now() < seenUntilMs) return false;
      objects.add(object);
      if (objects.size < objectsNeeded) return false;
      objects.clear();
      absent = { reason, untilMs: now() + rememberedMs };
      return true;
    },
  };
}
