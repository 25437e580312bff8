import { Migration } from '@mikro-orm/migrations';

/** An id of this database, for what it has at Temporal; several installations may share a namespace there. */
export class Migration0018Installation extends Migration {
  override name = '0018-installation';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  `create table installation (
    only_row boolean primary key default true check (only_row),
    id text collate "C" not null check (id ~ '^[0-9a-f]{12}$')
  )`,
  // the first twelve digits of a version 4 UUID are all random
  `insert into installation (id) values (left(replace(gen_random_uuid()::text, '-', ''), 12))`,
  // schedules that Temporal has under ids without the installation are made anew under ids with it
  `insert into schedule_removal (temporal_id) select 'schedule/' || repository_id || '/' || id from schedule on conflict do nothing`,
  `update schedule set temporal_revision = null, temporal_fingerprint = null, temporal_seen_at = null`,
];
