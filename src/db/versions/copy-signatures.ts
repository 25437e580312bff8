import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import type { Draft } from './draft.ts';
import type { VersionKey } from '../reads/read-versions.ts';
import { kysely } from '../sql.ts';
import { addMemberships, isInVersion } from './memberships.ts';

/* Atomic signatures of copied and restored versions. `settleSignatures` drops those without a signed manifest. */

export async function copySignatures(em: Em, draft: Draft, version: VersionKey): Promise<void> {
  await addMemberships(
    em,
    draft,
    'signature',
    sql`
      select s.id from membership m join signature s on s.id = m.content_id and s.kind = 'ATOMIC'
      where ${isInVersion('m', version)} and m.kind = 'signature'`,
  );
}

/** Restores the atomic signatures of an earlier version of the repository. */
export async function restoreSignatures(em: Em, draft: Draft, version: VersionKey): Promise<void> {
  await sql`
    update membership p set removed_in = ${draft.number}
    where p.repository_id = ${draft.repositoryId} and p.kind = 'signature' and p.removed_in is null
      and p.added_in > ${version.number}
      and exists (select from signature s where s.id = p.content_id and s.kind = 'ATOMIC')
      and not exists (select from membership m where ${isInVersion('m', version)} and m.kind = 'signature'
        and m.content_id = p.content_id)`.execute(kysely(em));
  await copySignatures(em, draft, version);
}
