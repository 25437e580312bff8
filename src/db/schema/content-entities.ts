import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';

export const Blob = defineEntity({
  name: 'Blob',
  tableName: 'blob',
  properties: {
    id: p.bigint('number').primary(),
    digest: p.text(),
    sizeBytes: p.bigint('number').nullable(),
    storedAt: p.datetime().nullable(),
  },
});
export type Blob = InferEntity<typeof Blob>;

/** The bytes of a manifest, read as one media type; without `sizeBytes` known from a parent only. `raw` is loaded when asked for. */
export const Manifest = defineEntity({
  name: 'Manifest',
  tableName: 'manifest',
  properties: {
    id: p.bigint('number').primary(),
    digest: p.text(),
    kind: p.enum(['index', 'image', 'unknown'] as const).nullable(),
    mediaType: p.text().default(''),
    isTyped: p.boolean().default(false),
    artifactType: p.text().nullable(),
    sizeBytes: p.integer().nullable(),
    platform: p.text().nullable(),
    subjectDigest: p.text().nullable(),
    raw: p.blob().lazy().nullable(),
  },
});
export type Manifest = InferEntity<typeof Manifest>;
