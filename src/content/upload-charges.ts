import type { Quota } from './quota.ts';

/** The share of each open upload in the blob store's quota, as far as this process knows. */
export interface UploadCharges {
  /** Charges further bytes. @throws TidemarkError `STORAGE_QUOTA` if they do not fit */
  more(id: string, bytes: number): void;
  /** Charges the bytes on the disk, even beyond the quota. */
  settle(id: string, sizeBytes: number): void;
  /** Frees the share: the upload has ended, or is about to be charged as a blob. */
  drop(id: string): void;
  readonly ids: () => readonly string[];
}

/** Without a quota, nothing is counted. */
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
