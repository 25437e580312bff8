import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/*
 * Companion tags in SQL; `oci/signatures/companion-tag.ts` has them in TypeScript. A tag has at most 128 characters, so a manifest
 * with a sha512 digest has no companion tags.
 */

/** `sha256-<hex>`, alone or with one of cosign's suffixes. */
export const companionPattern = '^sha256-[0-9a-f]{64}(\\.(sig|att|sbom))?$';

/** Whether a tag is cosign's tag of a signature. */
export function isSignatureTag(name: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`${name} ~ '^sha256-[0-9a-f]{64}\\.sig$'`;
}

/** The digest of the manifest that a companion tag belongs to. */
export function subjectOfTag(name: RawBuilder<unknown>): RawBuilder<string> {
  return sql`'sha256:' || substr(${name}, 8, 64)`;
}

/** The companion tag of a manifest. */
export function companionTagOf(digest: RawBuilder<unknown>, suffix: RawBuilder<unknown>): RawBuilder<string> {
  return sql`replace(${digest}, ':', '-') || ${suffix}`;
}

export const signatureSuffix = sql`'.sig'`;
