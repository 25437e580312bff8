import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import { absenceReasons } from './columns/absence-reasons.ts';
import { createdAt, key } from './columns/columns.ts';

export interface ContentCounts {
  readonly blobs: number;
  readonly manifests: number;
  readonly tags: number;
  readonly signatures: number;
}

export interface VersionCounts {
  readonly present: ContentCounts;
  readonly added: ContentCounts;
  readonly removed: ContentCounts;
}

export const RepositoryVersion = defineEntity({
  name: 'RepositoryVersion',
  properties: {
    repositoryId: key,
    number: p.integer().primary(),
    createdAt,
    taskId: p.bigint('number').nullable(),
    baseNumber: p.integer().nullable(),
    counts: p.json<VersionCounts>(),
  },
});
export type RepositoryVersion = InferEntity<typeof RepositoryVersion>;

/** The versions that a row is in: from `addedIn` until before `removedIn` (docs/database.md). */
const range = { addedIn: p.integer().primary(), removedIn: p.integer().nullable() };

export const TagMembership = defineEntity({
  name: 'TagMembership',
  properties: {
    repositoryId: key,
    name: p.text().primary(),
    manifestId: p.bigint('number'),
    ...range,
  },
});

/** An untagged root, under the tag that it had, or its digest. */
export const RootMembership = defineEntity({
  name: 'RootMembership',
  properties: { repositoryId: key, manifestId: key, name: p.text().primary(), ...range },
});

export const Membership = defineEntity({
  name: 'Membership',
  properties: {
    repositoryId: key,
    kind: p.enum(['manifest', 'blob', 'signature'] as const).primary(),
    contentId: key,
    ...range,
  },
});

/** A child of an index that versions with the index do not have. */
export const AbsentChild = defineEntity({
  name: 'AbsentChild',
  properties: {
    repositoryId: key,
    parentId: key,
    position: p.integer().primary(),
    reason: p.enum(absenceReasons),
    ...range,
  },
});

export const versionsTables = [RepositoryVersion, TagMembership, RootMembership, Membership, AbsentChild];
