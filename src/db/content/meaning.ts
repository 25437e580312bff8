import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/** A manifest by what it means: its bytes, read as one media type. A row of the table `manifest` is one meaning (docs/decisions/0008). */
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

/** In which order to take the meanings `m` of one digest where a version has several and nobody says which: first what is no opaque one. */
export const preferred = sql`m.kind = 'unknown', m.id`;
