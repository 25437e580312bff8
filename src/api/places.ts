import { callerKey } from '../access/viewer.ts';
import type { Viewer } from '../access/viewer.ts';

/** Limits concurrent callers, in total and per caller. */
export interface Places {
  /** Takes a place. Returns a function that frees it once; undefined: no place is left for this caller. */
  take(viewer: Viewer): (() => void) | undefined;
}

/** While logins are off there is only one caller, who may take all. */
export function createPlaces({ all, each }: { readonly all: number; readonly each: number }): Places {
  const taken = new Map<string, number>();
  let count = 0;
  return {
    take(viewer) {
      const caller = callerKey(viewer);
      const own = taken.get(caller) ?? 0;
      if (count >= all || (viewer.kind !== 'everybody' && own >= each)) return undefined;
      count += 1;
      taken.set(caller, own + 1);
      let isTaken = true;
      return () => {
        if (!isTaken) return;
        isTaken = false;
        count -= 1;
        const left = (taken.get(caller) ?? 1) - 1;
        if (left === 0) taken.delete(caller);
        else taken.set(caller, left);
      };
    },
  };
}
