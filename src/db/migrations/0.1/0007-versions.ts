import { Migration } from '@mikro-orm/migrations';

/** Versions, and memberships as ranges of versions (docs/database.md). */
export class Migration0007Versions extends Migration {
  override name = '0007-versions';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  `create table repository_version (
    repository_id bigint not null references repository on delete cascade,
    number int not null,
    created_at timestamptz not null default now(),
    task_id bigint references task on delete set null,
    base_number int,
    counts jsonb not null,
    primary key (repository_id, number)
  )`,
  `create index repository_version_created on repository_version (created_at desc, repository_id desc, number desc)`,
  // PostgreSQL looks up each foreign key to a manifest when one is deleted: the indexes "holds" are for that.
  `create table tag_membership (
    repository_id bigint not null references repository on delete cascade,
    name text collate "C" not null,
    manifest_id bigint not null references manifest,
    added_in int not null,
    removed_in int,
    primary key (repository_id, name, added_in)
  )`,
  `create unique index tag_membership_present on tag_membership (repository_id, name) where removed_in is null`,
  `create index tag_membership_manifest on tag_membership (repository_id, manifest_id) where removed_in is null`,
  `create index tag_membership_added on tag_membership (repository_id, added_in)`,
  `create index tag_membership_removed on tag_membership (repository_id, removed_in) where removed_in is not null`,
  `create index tag_membership_holds on tag_membership (manifest_id)`,
  // Untagged roots: name is the tag that the manifest had, or its digest if it was pulled or pushed by digest.
  `create table root_membership (
    repository_id bigint not null references repository on delete cascade,
    manifest_id bigint not null references manifest,
    name text collate "C" not null,
    added_in int not null,
    removed_in int,
    primary key (repository_id, manifest_id, name, added_in)
  )`,
  `create unique index root_membership_present on root_membership (repository_id, manifest_id, name) where removed_in is null`,
  `create index root_membership_added on root_membership (repository_id, added_in)`,
  `create index root_membership_removed on root_membership (repository_id, removed_in) where removed_in is not null`,
  `create index root_membership_holds on root_membership (manifest_id)`,
  `create table membership (
    repository_id bigint not null references repository on delete cascade,
    kind text not null check (kind in ('manifest', 'blob', 'signature')),
    content_id bigint not null,
    added_in int not null,
    removed_in int,
    primary key (repository_id, kind, content_id, added_in)
  )`,
  `create unique index membership_present on membership (repository_id, kind, content_id) where removed_in is null`,
  `create index membership_added on membership (repository_id, added_in, kind, content_id)`,
  `create index membership_removed on membership (repository_id, removed_in, kind, content_id) where removed_in is not null`,
  // Entries of an index that the versions lack. BY_RULE: the platforms of the remote leave it out. UPSTREAM: the upstream lacks it.
  `create table absent_child (
    repository_id bigint not null references repository on delete cascade,
    parent_id bigint not null,
    position int not null,
    reason text not null check (reason in ('BY_RULE', 'UPSTREAM')),
    added_in int not null,
    removed_in int,
    primary key (repository_id, parent_id, position, added_in)
  )`,
  `create unique index absent_child_present on absent_child (repository_id, parent_id, position) where removed_in is null`,
  `create index absent_child_added on absent_child (repository_id, added_in)`,
  `create index absent_child_removed on absent_child (repository_id, removed_in) where removed_in is not null`,
  `create index absent_child_parent on absent_child (parent_id, position)`,
];
