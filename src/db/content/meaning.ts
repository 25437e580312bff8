import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { ManifestDocument, ParsedManifest } from '../../oci/manifest/manifest.ts';

export interface ManifestToStore {
  readonly document: ManifestDocument;
  readonly parsed: ParsedManifest;
  /** The media type in the indexes that list it; absent if none does. */
  readonly listedAs?: string;
}

/** The bytes of a manifest, read as one media type: a row of `manifest` (docs/decisions/0008). */
export interface Meaning {
  readonly digest: string;
  readonly mediaType: string;
}

export function meaningKey({ digest, mediaType }: Meaning): string {
  return `${digest} ${mediaType}`;
}

/** The meanings as rows `v(digest, media_type)`. */
export function meaningRows(meanings: readonly Meaning[]): RawBuilder<unknown> {
  return sql`unnest(${meanings.map(({ digest }) => digest)}::text[], ${meanings.map(({ mediaType }) => mediaType)}::text[])
    as v(digest, media_type)`;
}

/** The order of the meanings `m` of one digest if none is requested: opaque ones are last. */
export const preferred = sql`m.kind = 'unknown', m.id`;
