import type { Quota } from './quota.ts';

/** What each open upload takes of the blob store's quota, as far as this process knows. */
export interface UploadCharges {
  /** @throws TidemarkError `STORAGE_QUOTA` where so many more do not fit */
  more(id: string, bytes: number): void;
  /** Sets aside for an upload what it has on the disk, whether it fits or not. */
  settle(id: string, sizeBytes: number): void;
  /** Gives it all back: the upload is gone, or about to be charged as a blob. */
  drop(id: string): void;
  readonly ids: () => readonly string[];
}

/** Without a quota nothing is counted. */
export function createUploadCharges(quota: Quota | undefined): UploadCharges {
  const charged = new Map<string, number>();
  const settle = (id: string, sizeBytes: number): void => {
    if (quota === undefined) return;
    quota.add(sizeBytes - (charged.get(id) ?? 0));
    charged.set(id, sizeBytes);
  };
  return {
    settle,
    more(id, bytes) {
      quota?.check('The upload', bytes);
      settle(id, (charged.get(id) ?? 0) + bytes);
    },
    drop(id) {
      settle(id, 0);
      charged.delete(id);
    },
    ids: () => [...charged.keys()],
  };
}
