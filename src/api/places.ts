import { callerKey } from '../access/viewer.ts';
import type { Viewer } from '../access/viewer.ts';

/** Places that callers take for a while, so many in all and so many each. */
export interface Places {
  /** Gives the place back, once. Undefined: there is none for this caller. */
  take(viewer: Viewer): (() => void) | undefined;
}

/** While logins are off everybody is one caller, who may take all. */
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
