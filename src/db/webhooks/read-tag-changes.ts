import { sql } from 'kysely';
import type { ChangedTag, TagChanges } from '../../webhooks/message.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** Tags that an event names. A name has up to 128 characters, so that a message stays under 32 KiB. */
export const sampledTags = 50;

/** The tags that each version has changed, in the order of the versions. Where older versions were removed since, some are left out. */
export async function readTagChanges(
  em: Em,
  versions: readonly { readonly repositoryId: number; readonly number: number }[],
): Promise<TagChanges[]> {
  const found = await sql<{
    n: number;
    added: number;
    moved: number;
    removed: number;
    sample: ChangedTag[] | null;
  }>`
    select v.n, count(*) filter (where c.change = 'ADDED')::int as added, count(*) filter (where c.change = 'MOVED')::int as moved,
      count(*) filter (where c.change = 'REMOVED')::int as removed,
      jsonb_agg(jsonb_build_object('tag', c.name, 'change', c.change, 'digest', after.digest, 'previousDigest', before.digest)
        order by c.place) filter (where c.place <= ${sampledTags}) as sample
    from unnest(${versions.map(({ repositoryId }) => repositoryId)}::bigint[], ${versions.map(({ number }) => number)}::int[])
        with ordinality as v(repository_id, number, n),
      lateral (
        select coalesce(a.name, r.name) as name, a.manifest_id as after_id, r.manifest_id as before_id,
          row_number() over (order by coalesce(a.name, r.name)) as place,
          case when r.name is null then 'ADDED' when a.name is null then 'REMOVED' else 'MOVED' end as change
        from (select name, manifest_id from tag_membership where repository_id = v.repository_id and added_in = v.number) as a
          full join (select name, manifest_id from tag_membership where repository_id = v.repository_id and removed_in = v.number) as r
            on r.name = a.name
      ) as c
      left join manifest after on after.id = c.after_id and c.place <= ${sampledTags}
      left join manifest before on before.id = c.before_id and c.place <= ${sampledTags}
    group by v.n`.execute(kysely(em));
  const byPlace = new Map(found.rows.map((row) => [row.n, row]));
  return versions.map((_, index) => {
    const { added, moved, removed, sample } = byPlace.get(index + 1) ?? { ...nothing, sample: null };
    const tags = sample ?? [];
    return { added, moved, removed, sample: tags, isTruncated: tags.length < added + moved + removed };
  });
}

const nothing = { added: 0, moved: 0, removed: 0 };
