import { sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { TidemarkError } from '../../oci/error.ts';
import { preferred } from '../content/meaning.ts';
import type { Em } from '../open-database.ts';
import { makeVersion } from './publish-version.ts';
import type { Draft } from './draft.ts';
import { readTrusted } from '../policies/read-trusted.ts';
import type { Trusted } from '../policies/read-trusted.ts';
import { mayReuse } from '../staging/reuse.ts';
import type { Reuse } from '../staging/reuse.ts';
import type { CollectedAbsences } from '../content/absences.ts';
import { reachFrom } from '../content/reach.ts';
import { kysely } from '../sql.ts';
import { referrerRootName } from '../staging/stage-companions.ts';
import { addAtomic } from '../staging/stage-signatures.ts';
import type { ManifestRef } from '../staging/stage-companions.ts';
import type { PolicyKey } from '../schema/signatures.ts';
import { writePulled } from './settle-absences.ts';
import { insertRoots, setTags, settleRoots } from './write-roots.ts';

/** Pulled content. Its manifests are stored. */
export interface PulledContent {
  readonly repositoryId: number;
  readonly remoteId: number;
  readonly manifestId: number;
  readonly reuse: Reuse;
  readonly reference: { readonly tag: string } | { readonly digest: Digest };
  readonly companions: readonly PulledCompanion[];
  /** What the walks below it left out. */
  readonly absences: CollectedAbsences;
  readonly atomic: readonly number[];
  /** Each of these policies must verify it. */
  readonly policies: readonly PolicyKey[];
  /** The manifest of the tag that the pulled one replaces. */
  readonly replaces?: Digest | undefined;
}

/** A signature or another referrer of a pulled manifest. */
export interface PulledCompanion {
  readonly manifestId: number;
  readonly subject: Digest;
  /** `sha256-<hex>.sig` or `sha256-<hex>`; null: a referrer. */
  readonly tag: string | null;
}

/** @property reason Why the remote leaves it out, or why its signatures could not be read. */
export type PullOutcome =
  | { readonly kind: 'kept' }
  | { readonly kind: 'absent'; readonly reason?: string }
  | {
      readonly kind: 'refused' | 'out-of-time';
      readonly trusted: Trusted | undefined;
      readonly reason: string | undefined;
    };

/** Rolls back the version. */
class NotVerifiedError extends Error {
  readonly doubt: Doubt;

  constructor(doubt: Doubt) {
    super('not verified');
    this.doubt = doubt;
  }
}

/** The policy that does not verify it, and its findings. */
export interface Doubt {
  readonly policy: PolicyKey;
  readonly trusted: Trusted;
}

/** Signatures that the caller has had checked, by policy id. */
export type TriedSignatures = ReadonlyMap<number, ReadonlySet<number>>;

/**
 * Keeps pulled content as a new version, tagged or untagged, and records the remote as the source of its blobs.
 * Concurrent pulls of one image make one version. The policies must verify the new version.
 * @returns the first policy that does not verify it: nothing was kept.
 */
export async function keepPulled(
  em: Em,
  pulled: PulledContent,
  tried: TriedSignatures = new Map(),
): Promise<Doubt | undefined> {
  try {
    await makeVersion<Draft>(em, {
      lock: (transaction) => lockLatest(transaction, pulled.repositoryId),
      write: async (transaction, draft) => {
        await recordSources(transaction, pulled);
        await writePulled(transaction, draft, pulled.absences.entries);
        await writeReference(transaction, draft, pulled);
        await writeCompanions(transaction, draft, pulled);
        await addAtomic(transaction, draft, pulled.atomic);
      },
      finish: (transaction, draft) => assertVerified(transaction, draft, { ...pulled, tried }),
    });
    return undefined;
  } catch (error) {
    if (error instanceof NotVerifiedError) return error.doubt;
    throw error;
  }
}

async function assertVerified(
  em: Em,
  draft: Draft,
  { reference, policies, tried }: PulledContent & { readonly tried: TriedSignatures },
): Promise<void> {
  for (const policy of policies) {
    const known = [...(tried.get(policy.policyId) ?? [])];
    const trusted = await readTrusted(em, draft, policy, { question: reference, tried: known });
    if (!trusted.isVerified) throw new NotVerifiedError({ policy, trusted });
  }
}

export interface PresentReference extends ManifestRef {
  /** Whether the remote has delivered it. Only then its signatures are requested. */
  readonly isDelivered: boolean;
}

/** Stored content: a concurrent pull may have kept it. */
export async function findReference(
  em: Em,
  { repositoryId, remoteId, reference }: Pick<PulledContent, 'repositoryId' | 'remoteId' | 'reference'>,
): Promise<PresentReference | undefined> {
  const source =
    'tag' in reference
      ? sql`tag_membership p join manifest m on m.id = p.manifest_id where p.name = ${reference.tag}`
      : sql`membership p join manifest m on m.id = p.content_id
          where p.kind = 'manifest' and m.digest = ${reference.digest}`;
  const found = await sql<PresentReference>`
    select m.id, m.digest, exists (select from remote_content had
      where had.remote_id = ${remoteId} and had.kind = 'manifest' and had.content_id = m.id) as "isDelivered"
    from ${source} and p.repository_id = ${repositoryId} and p.removed_in is null and m.raw is not null
    order by ${preferred} limit 1`.execute(kysely(em));
  return found.rows[0];
}

async function lockLatest(em: Em, repositoryId: number): Promise<Draft> {
  const found = await kysely(em)
    .selectFrom('repository')
    .select('latest')
    .where('id', '=', repositoryId)
    .forUpdate()
    .execute();
  const row = found[0];
  if (row === undefined)
    throw new TidemarkError('NAME_UNKNOWN', 'The repository was deleted during the pull.', {
      origin: 'caller',
    });
  return { repositoryId, latest: row.latest, number: row.latest + 1, taskId: null };
}

/** The repository holds the blobs that it may reuse, and has the others by name. */
async function recordSources(em: Em, pulled: PulledContent): Promise<void> {
  const { remoteId, manifestId, companions, reuse, absences } = pulled;
  const rootIds = [manifestId, ...companions.map((companion) => companion.manifestId)];
  await sql`
    insert into repository_source as kept (repository_id, blob_id, remote_id, is_held)
    with recursive ${reachFrom(sql`select unnest(${rootIds}::bigint[])`, absences.isKept())}
    select ${reuse.repositoryId}, named.blob_id, ${remoteId}::bigint, ${mayReuse('blob', sql`named.blob_id`, reuse)}
    from (select distinct edge.blob_id
      from reach join manifest_blob edge on edge.manifest_id = reach.id) as named
    order by named.blob_id
    on conflict (repository_id, blob_id, remote_id) do update set is_held = true
    where excluded.is_held and not kept.is_held`.execute(kysely(em));
}

/** A tag from a concurrent sync or pull stays. */
async function writeReference(
  em: Em,
  draft: Draft,
  { reference, manifestId, replaces }: PulledContent,
): Promise<void> {
  const { repositoryId, number } = draft;
  if ('tag' in reference) {
    await setTags(
      em,
      draft,
      sql`select ${reference.tag}::text collate "C" as name, ${manifestId}::bigint as manifest_id
        where not exists (select from tag_membership p join manifest m on m.id = p.manifest_id
          where p.repository_id = ${repositoryId} and p.name = ${reference.tag} and p.removed_in is null
            and m.digest is distinct from ${replaces ?? null})`,
    );
    await settleRoots(em, draft);
  } else
    await sql`
      insert into root_membership (repository_id, manifest_id, name, added_in)
      select ${repositoryId}, ${manifestId}::bigint, ${reference.digest}, ${number}
      where not exists (select from membership p where p.repository_id = ${repositoryId} and p.kind = 'manifest'
        and p.content_id = ${manifestId} and p.removed_in is null)`.execute(kysely(em));
}

/** A signature tag follows the upstream. Its former manifest stays untagged. */
async function writeCompanions(em: Em, draft: Draft, { companions }: PulledContent): Promise<void> {
  const tagged = companions.filter(({ tag }) => tag !== null);
  const referring = companions.filter(({ tag }) => tag === null);
  if (tagged.length > 0) {
    await setTags(
      em,
      draft,
      sql`select v.name collate "C" as name, v.manifest_id
        from unnest(${tagged.map(({ tag }) => tag)}::text[], ${tagged.map(({ manifestId }) => manifestId)}::bigint[])
          as v(name, manifest_id)`,
    );
    await settleRoots(em, draft);
  }
  if (referring.length === 0) return;
  await insertRoots(
    em,
    draft,
    sql`select v.* from unnest(${referring.map(({ manifestId }) => manifestId)}::bigint[],
      ${referring.map(({ subject }) => referrerRootName(subject))}::text[]) as v(manifest_id, name)`,
  );
}
