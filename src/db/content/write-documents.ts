import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import type { ManifestToStore } from './meaning.ts';

/** Larger documents are sent alone: in an array, bytes are encoded as hexadecimal digits. */
const bytesMaxTogether = 16 * 1024;

export async function writeDocuments(em: Em, manifests: readonly ManifestToStore[]): Promise<void> {
  const small = manifests.filter((manifest) => !isLarge(manifest));
  if (small.length > 0) await writeDocumentsAs(em, small, sql`${small.map(bytesOf)}::bytea[]`);
  for (const manifest of manifests.filter(isLarge))
    await writeDocumentsAs(em, [manifest], sql`array[${bytesOf(manifest)}::bytea]`);
}

function isLarge({ document }: ManifestToStore): boolean {
  return document.bytes.byteLength > bytesMaxTogether;
}

function bytesOf({ document }: ManifestToStore): Uint8Array {
  return document.bytes;
}

async function writeDocumentsAs(
  em: Em,
  manifests: readonly ManifestToStore[],
  raw: RawBuilder<unknown>,
): Promise<void> {
  const { documents, parsed } = {
    documents: manifests.map((manifest) => manifest.document),
    parsed: manifests.map((manifest) => manifest.parsed),
  };
  await sql`
    update manifest m set kind = v.kind, is_typed = v.is_typed, artifact_type = v.artifact_type,
      subject_digest = v.subject_digest, is_signature = v.is_signature, raw = v.raw, size_bytes = octet_length(v.raw)
    from unnest(
      ${documents.map((document) => document.digest)}::text[],
      ${parsed.map((view) => view.mediaType)}::text[],
      ${parsed.map((view) => view.kind)}::text[],
      ${parsed.map((view) => view.isTyped === true)}::boolean[],
      ${parsed.map((view) => view.artifactType ?? null)}::text[],
      ${parsed.map((view) => view.subject?.digest ?? null)}::text[],
      ${parsed.map((view) => view.isSignature === true)}::boolean[],
      ${raw}
    ) as v(digest, media_type, kind, is_typed, artifact_type, subject_digest, is_signature, raw)
    where m.digest = v.digest and m.media_type = v.media_type`.execute(kysely(em));
}
