import type { TidemarkError } from '../../oci/error.ts';

/** What a registry has shown of one of its APIs. It is forgotten after a while, for registries are upgraded. */
export interface ApiMemory {
  /** Why the API is taken as absent; undefined where it must be asked. */
  absence(): string | undefined;
  /** The API has answered. */
  seen(): void;
  /** The registry has no such route for this object. */
  missing(object: string, reason: string): void;
  /** It has nothing for this object, or refuses it: an answer all the same. */
  answered(): void;
  /** It was not answered for this object, whatever was tried. */
  failed(object: string, error: TidemarkError): void;
  /** The fault that several objects in a row have met a short while ago; undefined where the API must be asked. */
  fault(): TidemarkError | undefined;
}

/** One answer is no proof: so many different objects have to be answered alike, and none otherwise. */
const objectsNeeded = 3;
const rememberedMs = 10 * 60 * 1000;
/** Each object would hold a sync up with tries and waits of its own. */
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
    answered: () => failed.clear(),
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
      if (now() < seenUntilMs) return;
      objects.add(object);
      if (objects.size < objectsNeeded) return;
      objects.clear();
      absent = { reason, untilMs: now() + rememberedMs };
    },
  };
}
