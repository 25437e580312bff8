import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { preferred } from '../content/meaning.ts';
import type { Em } from '../open-database.ts';
import { manifestColumns } from './read-manifests.ts';
import type { ManifestRow } from './read-manifests.ts';
import type { VersionKey } from './read-versions.ts';
import { kysely } from '../sql.ts';
import { contentVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';
import { isIn } from '../versions/memberships.ts';

export interface SignatureRow {
  readonly id: number;
  readonly kind: 'ATOMIC' | 'COSIGN';
  readonly name: string;
  readonly signedDigest: Digest;
  readonly signedId: number;
  readonly keyId: string | null;
  readonly creator: string | null;
  readonly timestamp: Date | null;
  readonly dockerReference: string | null;
}

const signatureColumns = sql`s.id, s.kind, s.name, s.signed_digest as "signedDigest", signed.id as "signedId", s.key_id as "keyId",
  s.creator, s.signed_at as timestamp, s.docker_reference as "dockerReference"`;

/** Joins the visible manifest `signed` that the signature `s` signs. */
function joinSigned(visibility: Visibility): RawBuilder<unknown> {
  return sql`cross join lateral (
    select m.id from manifest m where m.digest = s.signed_digest and ${contentVisible('manifest', sql`m.id`, visibility)}
    order by ${preferred} limit 1) as signed`;
}

export async function readSignatures(
  em: Em,
  visibility: Visibility,
  ids: readonly number[],
): Promise<(SignatureRow | undefined)[]> {
  const found = await sql<SignatureRow>`
    select ${signatureColumns} from signature s ${joinSigned(visibility)}
    where s.id = any(${ids}::bigint[]) and ${contentVisible('signature', sql`s.id`, visibility)}`.execute(
    kysely(em),
  );
  const byId = new Map(found.rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

/** Without a version, all visible stored content counts. */
export interface ManifestInVersion {
  readonly digest: string;
  readonly version: VersionKey | undefined;
}

/** The maximum per manifest. A version's list has all of them, in pages. */
const listedMax = 1_000;

function rows(manifests: readonly ManifestInVersion[]): RawBuilder<unknown> {
  return sql`unnest(${manifests.map(({ digest }) => digest)}::text[],
    ${manifests.map(({ version }) => version?.repositoryId ?? null)}::bigint[],
    ${manifests.map(({ version }) => version?.number ?? null)}::int[]) with ordinality as p(digest, repository_id, number, n)`;
}

function isThere(
  kind: 'manifest' | 'signature',
  id: RawBuilder<unknown>,
  visibility: Visibility,
): RawBuilder<unknown> {
  return sql`((p.number is null and ${contentVisible(kind, id, visibility)}) or exists (select from membership t where t.repository_id = p.repository_id and t.kind = ${kind}
    and t.content_id = ${id} and ${isIn('t', sql`p.number`)}))`;
}

/** At most 1,000 of each manifest. */
export async function readSignaturesOf(
  em: Em,
  visibility: Visibility,
  manifests: readonly ManifestInVersion[],
): Promise<SignatureRow[][]> {
  const found = await sql<SignatureRow & { n: number }>`
    select p.n, s.* from ${rows(manifests)} cross join lateral (
      select ${signatureColumns} from signature s ${joinSigned(visibility)}
      where s.signed_digest = p.digest and ${isThere('signature', sql`s.id`, visibility)}
      order by s.id limit ${listedMax}) as s order by p.n, s.id`.execute(kysely(em));
  return grouped(manifests, found.rows);
}

/** The stored referrers of each manifest, of one artifact type or any; at most 1,000 of each. */
export async function readReferrersOf(
  em: Em,
  visibility: Visibility,
  manifests: readonly ManifestInVersion[],
  artifactType: string | null,
): Promise<ManifestRow[][]> {
  const found = await sql<ManifestRow & { n: number }>`
    select p.n, m.* from ${rows(manifests)} cross join lateral (
      select ${manifestColumns(visibility)} from manifest m
      where m.subject_digest = p.digest and m.raw is not null and ${isThere('manifest', sql`m.id`, visibility)}
        and ${artifactType === null ? sql`true` : sql`m.artifact_type = ${artifactType}`}
      order by m.digest limit ${listedMax}) as m order by p.n, m.digest`.execute(kysely(em));
  return grouped(manifests, found.rows);
}

function grouped<Row extends { readonly n: number }>(
  parents: readonly unknown[],
  found: readonly Row[],
): Row[][] {
  const groups = parents.map((): Row[] => []);
  for (const row of found) groups[row.n - 1]?.push(row);
  return groups;
}

export async function hasAtomicSignatures(em: Em): Promise<boolean> {
  const found = await sql`select from signature where kind = 'ATOMIC' limit 1`.execute(kysely(em));
  return found.rows.length > 0;
}

/** Oldest first, up to a total of bytes. */
export async function readServedSignatures(
  em: Em,
  version: VersionKey,
  digest: Digest,
  maxBytes: number,
): Promise<{ readonly name: string; readonly content: Buffer }[]> {
  const found = await sql<{ name: string; content: Buffer }>`
    select s.name, s.content from (
      select s.id, sum(octet_length(s.content)) over (order by s.id) as bytes
      from signature s join membership t on t.repository_id = ${version.repositoryId} and t.kind = 'signature'
        and t.content_id = s.id and ${isIn('t', version.number)}
      where s.kind = 'ATOMIC' and s.signed_digest = ${digest}
    ) as fitting join signature s on s.id = fitting.id
    where fitting.bytes <= ${maxBytes} order by s.id`.execute(kysely(em));
  return found.rows;
}
