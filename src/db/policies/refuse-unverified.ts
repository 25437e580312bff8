import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { companionPattern, subjectOfTag } from '../content/companion-tags.ts';
import { isAttachment, isCompanionOf } from './attachments.ts';
import type { Em } from '../open-database.ts';
import { isFetched, selectedGraph } from '../staging/selected-graph.ts';
import { keepCompanions } from '../outcomes/keep-tags.ts';
import { unknownSource } from '../staging/stage-companions.ts';
import { kysely } from '../sql.ts';
import { isValid, verdictOn } from './verdicts.ts';
import type { PolicyKey } from '../schema/signatures.ts';

/** A tag, or a requested digest, whose manifest no trusted signature verifies. */
export interface RefusedTag {
  readonly name: string;
  readonly digest: Digest;
  /** The digest in the repository; null if the tag is absent. */
  readonly keptDigest: Digest | null;
  readonly signatures: number;
  /** Why a signature is invalid or unreadable; null without signatures. */
  readonly reason: string | null;
}

export interface RefuseOptions {
  readonly policy: PolicyKey;
  /** Maximum of tags that are returned. */
  readonly most: number;
  /** Why a signature has no verdict. */
  readonly unchecked: string;
}

export interface Refused {
  /** The first ones, ordered by name. */
  readonly tags: readonly RefusedTag[];
  readonly count: number;
}

const untrusted = 'No trusted signature verifies it.';
const isCompanion = sql`name ~ ${companionPattern}`;
const subjectOfWish = sql`case wish.kind when 'referrer' then substr(wish.name, 2) else ${subjectOfTag(sql`wish.name`)} end`;

/** Clears the marks of `refuseUnverified`. */
export async function refuseNothing(em: Em, taskId: number): Promise<void> {
  for (const table of ['sync_tag', 'sync_root'] as const)
    await kysely(em)
      .updateTable(table)
      .set({ outcome: null, reason: null })
      .where('task_id', '=', taskId)
      .where('outcome', '=', 'NOT_VERIFIED')
      .execute();
}

/** `companion`, `edge`, and `trusted(id, is_image)`: the manifests that the policy verifies, and what they reach. */
function trusted(taskId: number, policy: PolicyKey): RawBuilder<unknown> {
  return sql`companion(name, manifest_id, subject_digest) as (
      select name, manifest_id, ${subjectOfTag(sql`name`)} from selected_tag where ${isCompanion}
    ),
    edge(from_id, to_id, is_below) as materialized (
      select e.parent_id, e.child_id, true from reach join manifest_manifest e on e.parent_id = reach.id
      union all
      select subject.id, m.id, false from reach join manifest m on m.id = reach.id
        join manifest subject on subject.digest = m.subject_digest
      where ${isAttachment('m')}
      union all
      select subject.id, c.manifest_id, false from companion c join manifest subject on subject.digest = c.subject_digest
        join manifest m on m.id = c.manifest_id
      where ${isCompanionOf('m', sql`c.name`, sql`c.subject_digest`)}
    ),
    trusted(id, is_image) as (
      select distinct m.id, true from sync_signer c join signature s on s.id = c.signature_id
        join signature_verdict v on ${verdictOn(policy)} join manifest m on m.digest = s.signed_digest
      where c.task_id = ${taskId} and ${isValid}
      union
      select edge.to_id, trusted.is_image and edge.is_below from trusted join edge on edge.from_id = trusted.id
    )`;
}

/** `wish(name, manifest_id, kind)`: what the sync would publish. */
function wishes(taskId: number): RawBuilder<unknown> {
  return sql`wish as (
      select name, manifest_id, 'tag' as kind from selected_tag where not (${isCompanion})
      union all
      select name, manifest_id, 'companion' from companion
      union all
      select name, manifest_id, case when name like '@%' then 'referrer' else 'digest' end from sync_root
      where task_id = ${taskId} and not is_removed and ${isFetched}
    )`;
}

/**
 * Marks the tags that a sync must not publish: neither their manifest nor an index above it is verified. An attachment
 * is published if its subject is trusted or in the repository, and is not counted. Replaces earlier marks.
 */
export async function refuseUnverified(em: Em, taskId: number, options: RefuseOptions): Promise<Refused> {
  const { policy } = options;
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    await sql`
      create temporary table refused on commit drop as
      with recursive ${selectedGraph(taskId)},
      ${trusted(taskId, policy)},
      ${wishes(taskId)},
      verified as (
        select wish.manifest_id, wish.kind from wish join trusted on trusted.id = wish.manifest_id
          join manifest m on m.id = wish.manifest_id
        where wish.kind in ('tag', 'digest') and (trusted.is_image or (wish.kind = 'digest' and ${isAttachment('m')}))
      ),
      coming(id) as (
        select manifest_id from verified
        union
        select edge.to_id from coming join edge on edge.from_id = coming.id
      )
      select wish.name, wish.manifest_id, wish.kind from wish join task on task.id = ${taskId}
      where case when wish.kind in ('tag', 'digest')
        then not exists (select from verified v where v.manifest_id = wish.manifest_id and v.kind = wish.kind)
        else not exists (select from coming where coming.id = wish.manifest_id) and not exists (
          select from manifest subject join membership held on held.repository_id = task.repository_id and held.kind = 'manifest'
            and held.content_id = subject.id and held.removed_in is null join manifest m on m.id = wish.manifest_id
          where subject.digest = ${subjectOfWish} and case wish.kind when 'referrer' then ${isAttachment('m')}
            else ${isCompanionOf('m', sql`wish.name`, sql`subject.digest`)} end)
        end`.execute(db);
    await refuseNothing(transaction, taskId);
    await sql`
      update sync_tag t set outcome = 'NOT_VERIFIED', reason = ${untrusted} from refused
      where t.task_id = ${taskId} and refused.name = t.name and refused.kind in ('tag', 'companion')`.execute(
      db,
    );
    await keepSparse(transaction, taskId);
    await keepCompanions(transaction, taskId);
    await sql`
      update sync_root r set outcome = 'NOT_VERIFIED', reason = ${untrusted} from refused
      where r.task_id = ${taskId} and refused.name = r.name and refused.manifest_id = r.manifest_id
        and refused.kind in ('digest', 'referrer')`.execute(db);
    return readRefused(transaction, taskId, options);
  });
}

/** Refused indexes that a tag has already keep the children that they have and lack, whatever the platforms of the remote are now. */
async function keepSparse(em: Em, taskId: number): Promise<void> {
  await sql`
    insert into sync_tag (task_id, name, manifest_id, outcome, reason)
    select ${taskId}::bigint, refused.name, refused.manifest_id, 'NOT_VERIFIED', ${untrusted} from refused
      join manifest m on m.id = refused.manifest_id and m.kind = 'index' join task on task.id = ${taskId}
    where refused.kind in ('tag', 'companion') and (exists (select from sync_absent a where a.task_id = task.id)
      or exists (select from absent_child a where a.repository_id = task.repository_id and a.removed_in is null))
    order by refused.name collate "C" on conflict do nothing`.execute(kysely(em));
}

async function readRefused(
  em: Em,
  taskId: number,
  { policy, most, unchecked }: RefuseOptions,
): Promise<Refused> {
  const found = await sql<RefusedTag & { total: number }>`
    with first_few as (
      select name, manifest_id, count(*) over () as total from refused where kind in ('tag', 'digest')
      order by name collate "C" limit ${most}
    )
    select f.name, m.digest, kept.digest as "keptDigest", f.total, signed.signatures,
      coalesce(problem.reason, signed.reason, (
        select reason from sync_problem where task_id = task.id and subject_digest = ${unknownSource})) as reason
    from first_few f join manifest m on m.id = f.manifest_id join task on task.id = ${taskId}
      left join tag_membership t on t.repository_id = task.repository_id and t.name = f.name and t.removed_in is null
      left join manifest kept on kept.id = t.manifest_id
      left join sync_problem problem on problem.task_id = task.id and problem.subject_digest = m.digest
      cross join lateral (
        select count(*) as signatures,
          min(case when v.signature_id is null then ${unchecked}::text else v.reason end) as reason
        from sync_signer c join signature s on s.id = c.signature_id and s.signed_digest = m.digest
          left join signature_verdict v on ${verdictOn(policy)}
        where c.task_id = task.id
      ) as signed
    order by f.name collate "C"`.execute(kysely(em));
  return { tags: found.rows, count: found.rows[0]?.total ?? 0 };
}
