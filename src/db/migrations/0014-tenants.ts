import { Migration } from '@mikro-orm/migrations';

/**
 * Whose rights work has that goes on without its caller, what each remote has delivered, and in which repository a blob is known by its
 * name only.
 */
export class Migration0014Tenants extends Migration {
  override name = '0014-tenants';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // `db/identity.ts`; null: from before these columns
  `alter table task add column started_by jsonb`,
  `alter table schedule add column made_by jsonb`,
  `alter table distribution add column pointed_by jsonb`,

  // what this remote's upstream has sent, verified: naming its digest there again spares the download.
  // no foreign key to the content, which would double the cost of each row: clean-ups remove what is left over
  `create table remote_content (
    remote_id bigint not null references remote on delete cascade,
    kind text not null check (kind in ('manifest', 'blob')),
    content_id bigint not null,
    primary key (remote_id, kind, content_id)
  )`,

  // of a repository now: nobody's blob is fetched with the login of somebody else's remote.
  // is_held: the repository may serve the stored bytes; until then the blob is there by name only, until the remote delivers it.
  // remote_id is null once the remote is deleted
  `create table repository_source (
    repository_id bigint not null references repository on delete cascade,
    blob_id bigint not null references blob on delete cascade,
    remote_id bigint references remote on delete set null,
    is_held boolean not null,
    recorded_at timestamptz not null default now(),
    unique nulls not distinct (repository_id, blob_id, remote_id)
  )`,
  `insert into repository_source (repository_id, blob_id, remote_id, is_held, recorded_at)
    select distinct on (m.repository_id, s.blob_id, s.remote_id) m.repository_id, s.blob_id, s.remote_id, true, s.recorded_at
    from blob_source s join membership m on m.kind = 'blob' and m.content_id = s.blob_id
      join repository r on r.id = m.repository_id
    where s.remote_id = r.remote_id
      or exists (select from task t where t.repository_id = r.id and t.remote_id = s.remote_id)`,
  `create index repository_source_blob on repository_source (blob_id)`,
  `create index repository_source_remote on repository_source (remote_id)`,
  `drop table blob_source`,
];
