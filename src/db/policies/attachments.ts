import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/*
 * Attachments of a signed image are trusted: signatures, attestations and SBOMs. Anybody may refer to a signed image, so
 * content that can be run or unpacked is never trusted by a reference alone.
 */

/**
 * Media types of layers that are documents, without parameters: JSON, XML, text and signature envelopes. They include no
 * archives.
 */
const documentTypes =
  '^(text/[a-z0-9!#$&^_.+-]+|[a-z0-9!#$&^_.-]+/([a-z0-9!#$&^_.+-]+[+])?(json|xml|yaml|cose|jose|jwt|pkcs7-signature|pgp-signature))$';
const imageConfigTypes = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];

const typeOf = (row: string) => sql`lower(split_part(${sql.raw(row)}.media_type, ';', 1))`;

/**
 * Whether the layers of the manifest `m` are documents only. For cosign's manifests, with an image's config, that config
 * decides.
 */
export function hasDocumentsOnly(m: string): RawBuilder<boolean> {
  const id = sql.raw(`${m}.id`);
  return sql`(${sql.raw(m)}.kind = 'image'
    and exists (select from manifest_blob l where l.manifest_id = ${id} and l.role = 'layer')
    and not exists (select from manifest_blob l where l.manifest_id = ${id} and l.role = 'layer' and ${typeOf('l')} !~ ${documentTypes}))`;
}

/** Whether the config of the manifest `m` has the type of an image's config. */
export function hasImageConfig(m: string): RawBuilder<boolean> {
  return sql`exists (select from manifest_blob c where c.manifest_id = ${sql.raw(m)}.id and c.role = 'config'
    and ${typeOf('c')} = any(${imageConfigTypes}::text[]))`;
}

/**
 * Whether the manifest `m` is an attachment: documents only, and no image config, or one that is read and names no
 * platform.
 */
export function isAttachment(m: string): RawBuilder<boolean> {
  const row = sql.raw(m);
  return sql`(${hasDocumentsOnly(m)} and (not ${hasImageConfig(m)} or (${row}.platform_read and ${row}.platform is null)))`;
}

/** Whether the manifest `m` is an index of referrers of `subject` only. */
export function isReferrersIndex(m: string, subject: RawBuilder<unknown>): RawBuilder<boolean> {
  const row = sql.raw(m);
  return sql`(${row}.kind = 'index' and not exists (
    select from manifest_manifest e join manifest child on child.id = e.child_id
    where e.parent_id = ${row}.id and child.subject_digest is distinct from ${subject}))`;
}

/** Whether the manifest `m` fits its companion tag `name`. */
export function isCompanionOf(
  m: string,
  name: RawBuilder<unknown>,
  subject: RawBuilder<unknown>,
): RawBuilder<boolean> {
  return sql`(case when strpos(${name}, '.') > 0 then ${isAttachment(m)} else ${isReferrersIndex(m, subject)} end)`;
}
