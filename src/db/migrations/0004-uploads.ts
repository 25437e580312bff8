import { Migration } from '@mikro-orm/migrations';

/** Pushed content on its way: uploads that are open, and blobs of a repository that no manifest refers to yet. */
export class Migration0004Uploads extends Migration {
  override name = '0004-uploads';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  `create table upload (
    id uuid primary key,
    repository_id bigint not null references repository on delete cascade,
    offset_bytes bigint not null default 0,
    created_at timestamptz not null default now(),
    touched_at timestamptz not null default now()
  )`,
  `create index upload_touched on upload (touched_at)`,
  `create index upload_repository on upload (repository_id)`,
  `create table repository_blob (
    repository_id bigint not null references repository on delete cascade,
    blob_id bigint not null references blob,
    uploaded_at timestamptz not null default now(),
    primary key (repository_id, blob_id)
  )`,
  `create index repository_blob_uploaded on repository_blob (uploaded_at)`,
];
