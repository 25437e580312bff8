import { Migration } from '@mikro-orm/migrations';

/** What pull-through remembers of the upstream's answers about tags and digests, and the last use of the blobs that pulls have fetched. */
export class Migration0017PullThrough extends Migration {
  override name = '0017-pull-through';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // checked_at: when the upstream last answered for the tag. retry_at: no process asks before; a process that asks sets it first.
  // problem: why the stored tag may be outdated.
  `create table tag_check (
    repository_id bigint not null references repository on delete cascade,
    name text collate "C" not null,
    checked_at timestamptz,
    retry_at timestamptz,
    problem text check (problem in ('GONE', 'REFUSED', 'SLOW', 'THROTTLED', 'UNREACHABLE', 'FAILED')),
    primary key (repository_id, name)
  )`,
  // Tags and digests that the upstream does not have.
  `create table upstream_miss (
    repository_id bigint not null references repository on delete cascade,
    reference text collate "C" not null,
    expires_at timestamptz not null,
    primary key (repository_id, reference)
  )`,
  `create index upstream_miss_expires on upstream_miss (expires_at)`,
  // When a pull last got the blob, to the hour; null: no pull has fetched it.
  `alter table blob add column used_at timestamptz`,
  `create index blob_used on blob (used_at, id) include (size_bytes) where used_at is not null and stored_at is not null`,
];
