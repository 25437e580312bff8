import { Migration } from '@mikro-orm/migrations';

/** This database: its id at Temporal, and the rotation of the secrets' key. */
export class Migration0001Installation extends Migration {
  override name = '0001-installation';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // Several installations may share a namespace of Temporal.
  `create table installation (
    only_row boolean primary key default true check (only_row),
    id text collate "C" not null check (id ~ '^[0-9a-f]{12}$')
  )`,
  // The first twelve digits of a version 4 UUID are all random.
  `insert into installation (id) values (left(replace(gen_random_uuid()::text, '-', ''), 12))`,
  // The next start finishes a rotation that was interrupted.
  `create table secret_rotation (
    key_id text primary key,
    begun_at timestamptz not null default now()
  )`,
];
