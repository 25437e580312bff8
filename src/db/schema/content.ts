import { defineEntity, p } from '@mikro-orm/postgresql';
import { createdAt, autoId, key } from './columns/columns.ts';

export const Blob = defineEntity({
  name: 'Blob',
  properties: {
    id: autoId,
    digest: p.text(),
    /** Of the verified bytes; null until they are stored. */
    sizeBytes: p.bigint('number').nullable(),
    storedAt: p.datetime().nullable(),
    /** When a pull last got it, to the hour; null: no pull has fetched it, so it is not evicted. */
    usedAt: p.datetime().nullable(),
    /** When a clean-up found no reference. A new reference clears it. */
    condemnedAt: p.datetime().nullable(),
  },
});

/** The bytes of a manifest, read as one media type. Without `raw` it is known by a parent only. */
export const Manifest = defineEntity({
  name: 'Manifest',
  properties: {
    id: autoId,
    digest: p.text(),
    kind: p.enum(['index', 'image', 'unknown'] as const).nullable(),
    mediaType: p.text().default(''),
    isTyped: p.boolean().default(false),
    artifactType: p.text().nullable(),
    sizeBytes: p.integer().nullable(),
    platform: p.text().nullable(),
    platformRead: p.boolean().default(false),
    subjectDigest: p.text().nullable(),
    isSignature: p.boolean().default(false),
    raw: p.blob().nullable(),
    createdAt,
    condemnedAt: p.datetime().nullable(),
  },
});

export const ManifestManifest = defineEntity({
  name: 'ManifestManifest',
  properties: {
    parentId: key,
    position: p.integer().primary(),
    childId: p.bigint('number'),
    /** As the index says: `os/architecture[/variant]`. */
    platform: p.text().nullable(),
    /** Digest of the entry that this one describes. */
    annotates: p.text().nullable(),
  },
});

export const ManifestBlob = defineEntity({
  name: 'ManifestBlob',
  properties: {
    manifestId: key,
    position: p.integer().primary(),
    blobId: p.bigint('number'),
    role: p.enum(['config', 'layer', 'entry'] as const),
    mediaType: p.text(),
    sizeBytes: p.bigint('number'),
    isForeign: p.boolean().default(false),
    hasData: p.boolean().default(false),
  },
});

/** An uploaded blob that no manifest of the repository refers to yet. */
export const RepositoryBlob = defineEntity({
  name: 'RepositoryBlob',
  properties: {
    repositoryId: key,
    blobId: key,
    uploadedAt: createdAt,
    /** The upload that became the blob last; null: it was mounted only. */
    uploadId: p.uuid().nullable(),
  },
});

/** A remote that can deliver a blob of a repository. The table has no primary key: `remote_id` may be null. */
export const RepositorySource = defineEntity({
  name: 'RepositorySource',
  properties: {
    repositoryId: key,
    blobId: key,
    remoteId: p.bigint('number').nullable(),
    /** Whether the repository may serve the stored bytes. */
    isHeld: p.boolean(),
    recordedAt: createdAt,
  },
});

/** A blob that pulls have fetched, and a repository through which it was pulled. */
export const CachedBlob = defineEntity({
  name: 'CachedBlob',
  properties: { repositoryId: key, blobId: key },
});

export const contentTables = [
  Blob,
  Manifest,
  ManifestManifest,
  ManifestBlob,
  RepositoryBlob,
  RepositorySource,
  CachedBlob,
];
