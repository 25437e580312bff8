import type { RawBuilder } from 'kysely';

/** A version that is being made. The caller holds the lock on the repository's row. */
export interface Draft {
  readonly repositoryId: number;
  /** Number of the latest version; 0 before the first. */
  readonly latest: number;
  /** Number of this version: `latest + 1`. */
  readonly number: number;
  /** The task that makes it, if one does. */
  readonly taskId: number | null;
  /** The tags `t` that leave with the image that they belong to; default: every companion tag. */
  readonly followers?: RawBuilder<unknown>;
  /** The repository that the content is copied from: its optional blobs are copied as well. */
  readonly copiedFrom?: number;
}

export interface Published {
  /** Null when nothing changed: no version was made. */
  readonly createdVersion: number | null;
  /** Rows that were written. */
  readonly changes: number;
}

/** The kinds of rows that the caller has written. */
export interface Written {
  /** Tags or untagged roots were added. */
  readonly isAdded: boolean;
  /** Tags or untagged roots were removed. */
  readonly isRemoved: boolean;
  /** Atomic signatures were added or removed. */
  readonly isSigned: boolean;
}
