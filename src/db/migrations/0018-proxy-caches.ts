import { Migration } from '@mikro-orm/migrations';

/** The limit of each proxy's cache, and the layers in it. */
export class Migration0018ProxyCaches extends Migration {
  override name = '0018-proxy-caches';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  `alter table proxy add column cache_bytes bigint check (cache_bytes > 0)`,
  // A blob that pulls have fetched (blob.used_at), and a repository through which it was pulled.
  `create table cached_blob (
    repository_id bigint not null references repository on delete cascade,
    blob_id bigint not null references blob on delete cascade,
    primary key (repository_id, blob_id)
  )`,
  `create index cached_blob_blob on cached_blob (blob_id)`,
  // Earlier pulls were not noted: each repository that may serve the bytes counts.
  `insert into cached_blob (repository_id, blob_id)
    select distinct s.repository_id, s.blob_id from repository_source s join blob b on b.id = s.blob_id
    where b.used_at is not null and b.stored_at is not null
      and (s.is_held or exists (select from remote_content had
        where had.remote_id = s.remote_id and had.kind = 'blob' and had.content_id = s.blob_id))`,
];
