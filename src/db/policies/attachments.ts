import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/*
 * What is trusted because it belongs to a signed image: signatures, attestations and SBOMs. Anybody may refer to a signed image, so
 * what could be run or unpacked is never trusted by that alone.
 */

/** Media types, without parameters, of layers that are documents: JSON, XML, text, and envelopes of signatures. No archive is among them. */
const documentTypes =
  '^(text/[a-z0-9!#$&^_.+-]+|[a-z0-9!#$&^_.-]+/([a-z0-9!#$&^_.+-]+[+])?(json|xml|yaml|cose|jose|jwt|pkcs7-signature|pgp-signature))$';
const imageConfigTypes = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];

const typeOf = (row: string) => sql`lower(split_part(${sql.raw(row)}.media_type, ';', 1))`;

/** Whether all that the manifest `m` has is documents. Of cosign's, which have an image's config, that config says more. */
export function hasDocumentsOnly(m: string): RawBuilder<boolean> {
  const id = sql.raw(`${m}.id`);
  return sql`(${sql.raw(m)}.kind = 'image'
    and exists (select from manifest_blob l where l.manifest_id = ${id} and l.role = 'layer')
    and not exists (select from manifest_blob l where l.manifest_id = ${id} and l.role = 'layer' and ${typeOf('l')} !~ ${documentTypes}))`;
}

/** Whether the manifest `m` has the config of an image, as its type says. */
export function hasImageConfig(m: string): RawBuilder<boolean> {
  return sql`exists (select from manifest_blob c where c.manifest_id = ${sql.raw(m)}.id and c.role = 'config'
    and ${typeOf('c')} = any(${imageConfigTypes}::text[]))`;
}

/** Whether the manifest `m` may be trusted for what it refers to: documents, and no image's config that names a platform, or was not read. */
export function isAttachment(m: string): RawBuilder<boolean> {
  const row = sql.raw(m);
  return sql`(${hasDocumentsOnly(m)} and (not ${hasImageConfig(m)} or (${row}.platform_read and ${row}.platform is null)))`;
}

/** Whether the manifest `m` is what stands behind a tag without ending: an index of nothing but what refers to `subject`. */
export function isReferrersIndex(m: string, subject: RawBuilder<unknown>): RawBuilder<boolean> {
  const row = sql.raw(m);
  return sql`(${row}.kind = 'index' and not exists (
    select from manifest_manifest e join manifest child on child.id = e.child_id
    where e.parent_id = ${row}.id and child.subject_digest is distinct from ${subject}))`;
}

/** Whether the manifest `m` is what its companion tag `name` says that it is, of the manifest with the digest `subject`. */
export function isCompanionOf(
  m: string,
  name: RawBuilder<unknown>,
  subject: RawBuilder<unknown>,
): RawBuilder<boolean> {
  return sql`(case when strpos(${name}, '.') > 0 then ${isAttachment(m)} else ${isReferrersIndex(m, subject)} end)`;
}
