import { Migration } from '@mikro-orm/migrations';

/** Where blobs can be had that are not stored (ON_DEMAND, STREAMED), and distributions that pull through. */
export class Migration0005Policies extends Migration {
  override name = '0005-policies';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // of the blob, not of a repository: a copy in another repository, or a version that was restored, finds the same bytes there
  `create table blob_source (
    blob_id bigint not null references blob on delete cascade,
    remote_id bigint not null references remote on delete cascade,
    recorded_at timestamptz not null default now(),
    primary key (blob_id, remote_id)
  )`,
  `create index blob_source_remote on blob_source (remote_id)`,
  `alter table distribution add column pull_through boolean not null default false`,
  `alter table distribution add check (not pull_through or version is null)`,
];
