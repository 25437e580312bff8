import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import { createdAt, autoId, key, timestamps } from './columns/columns.ts';
import type { Identity } from './columns/identity.ts';

export const Repository = defineEntity({
  name: 'Repository',
  properties: {
    id: autoId,
    name: p.text(),
    description: p.text().nullable(),
    remoteId: p.bigint('number').nullable(),
    retainVersions: p.integer().nullable(),
    /** Number of the latest version; 0 before the first. */
    latest: p.integer().default(0),
    /** The fencing token. A task raises it when it begins; a commit with an older one is refused (fault 96). */
    fence: p.bigint('number').default(0),
    isMirrored: p.boolean().default(false),
    /** Overrides the policy of the remote. */
    signaturePolicyId: p.bigint('number').nullable(),
    /** When a look last found that a sync would change nothing. */
    lookedAt: p.datetime().nullable(),
    ...timestamps,
  },
});
export type Repository = InferEntity<typeof Repository>;

/** A tag that waits for the minimum age. */
export const TagSeen = defineEntity({
  name: 'TagSeen',
  properties: {
    repositoryId: key,
    name: p.text().primary(),
    digest: p.text(),
    firstSeenAt: p.datetime().defaultRaw('clock_timestamp()'),
  },
});

/** A tag in the upstream's list, of repositories whose remote keeps the newest tags by time. */
export const ListedTag = defineEntity({
  name: 'ListedTag',
  properties: {
    repositoryId: key,
    name: p.text().primary(),
    firstSeenAt: p.datetime().defaultRaw('clock_timestamp()'),
    /** The digest whose creation time is stored; null: none was asked for. */
    digest: p.text().nullable(),
    /** Null: the image has none. */
    createdAt: p.datetime().nullable(),
  },
});

/** A digest that somebody released before it was old enough. */
export const TagRelease = defineEntity({
  name: 'TagRelease',
  properties: {
    id: autoId,
    repositoryId: p.bigint('number'),
    name: p.text(),
    digest: p.text(),
    reason: p.text(),
    releasedBy: p.json<Identity>().nullable(),
    releasedAt: createdAt,
  },
});

/** An upload session. */
export const Upload = defineEntity({
  name: 'Upload',
  properties: {
    id: p.uuid().primary(),
    repositoryId: p.bigint('number'),
    owner: p.text().default(''),
    offsetBytes: p.bigint('number').default(0),
    createdAt,
    touchedAt: createdAt,
    /** The blob that the bytes, which have this digest, are about to become; null before that. */
    verifiedDigest: p.text().nullable(),
    verifiedBytes: p.bigint('number').nullable(),
  },
});

/** The received bytes of an upload whose blob store keeps them as objects. */
export const UploadPart = defineEntity({
  name: 'UploadPart',
  properties: {
    uploadId: p.uuid().primary(),
    startBytes: p.bigint('number').primary(),
    sizeBytes: p.bigint('number'),
    digest: p.text(),
  },
});

export const repositoriesTables = [Repository, TagSeen, ListedTag, TagRelease, Upload, UploadPart];
