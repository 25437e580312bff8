import { Migration } from '@mikro-orm/migrations';

/** Until when a host is throttled, how long a sync has waited for that, and what syncs that did not complete have found under tags. */
export class Migration0017Absence extends Migration {
  override name = '0017-absence';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // step: how many throttles have followed one another, which says how long the next one is waited for
  `create table host_throttle (
    host text collate "C" primary key,
    until timestamptz not null,
    step int not null
  )`,
  // waited_ms: without any progress since, which mark counts
  `create table task_throttle (
    task_id bigint primary key references task on delete cascade,
    mark bigint not null,
    waited_ms bigint not null,
    waits int not null
  )`,
  // tags of an attempt before this one that do not differ from the latest version; those that differ are in sync_tag
  `create table sync_walked (
    task_id bigint not null references task on delete cascade,
    name text collate "C" not null,
    primary key (task_id, name)
  )`,
  // what a remote had under a tag when a sync of it last failed; no foreign key to the manifest, which a clean-up may remove
  `create table remote_tag (
    remote_id bigint not null references remote on delete cascade,
    name text collate "C" not null,
    digest text collate "C" not null,
    primary key (remote_id, name)
  )`,
];
