import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/* Digests that somebody released before they were old enough. */

/** Whether somebody has released the digest in the column `digest` for this tag. */
export function isReleased(
  repositoryId: number,
  name: RawBuilder<unknown>,
  digest: RawBuilder<unknown>,
): RawBuilder<boolean> {
  return sql`exists (select from tag_release r where r.repository_id = ${repositoryId} and r.name = ${name} and r.digest = ${digest})`;
}

/** The rows of `tag_seen` whose digest the tag has not taken since. */
export function waitingTags(repositoryId: number | RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(select * from tag_seen seen where seen.repository_id = ${repositoryId} and not exists (
    select from tag_membership t join manifest m on m.id = t.manifest_id
    where t.repository_id = seen.repository_id and t.name = seen.name and t.removed_in is null and m.digest = seen.digest))`;
}

/** Records who released a waiting digest, and why. @returns the digest; undefined if the tag does not wait. */
export async function releaseTag(
  em: Em,
  release: {
    readonly repositoryId: number;
    readonly name: string;
    readonly reason: string;
    readonly releasedBy: object | null;
  },
): Promise<Digest | undefined> {
  const { repositoryId, name, reason, releasedBy } = release;
  const by = releasedBy === null ? null : JSON.stringify(releasedBy);
  const released = await sql<{ digest: Digest }>`
    insert into tag_release (repository_id, name, digest, reason, released_by)
    select s.repository_id, s.name, s.digest, ${reason}, ${by}::jsonb
    from ${waitingTags(repositoryId)} as s where s.name = ${name}
    returning digest`.execute(kysely(em));
  return released.rows[0]?.digest;
}
