import { Migration } from '@mikro-orm/migrations';

/** Limits of bandwidth, windows of syncs, and why a task waits. */
export class Migration0014Budgets extends Migration {
  override name = '0014-budgets';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // The texts of the timetable and the windows, as given.
  `alter table remote add column bytes_per_second text, add column sync_windows text[], add column reserve_requests int`,
  // free_at: the end of the last lease's slot. leased_at: when that was taken; a later lease at an earlier time means that the clock was set back.
  `create table byte_account (
    scope text collate "C" primary key,
    remote_id bigint references remote on delete cascade,
    free_at timestamptz not null,
    leased_at timestamptz not null
  )`,
  `create index byte_account_remote on byte_account (remote_id) where remote_id is not null`,
  // Quotas of accounts that are used up to somebody's reserve. probe_at: when a request may look whether more is left.
  `create table request_quota (
    scope text collate "C" primary key,
    host text not null,
    remaining int not null,
    read_at timestamptz not null,
    probe_at timestamptz not null
  )`,
  // The quotas that hosts announce in their answers, by the remote that asked. known_until: when the row says nothing any more.
  `create table announced_quota (
    scope text collate "C" not null,
    remote_id bigint not null references remote on delete cascade,
    host text not null,
    request_limit bigint,
    remaining bigint not null,
    window_seconds bigint,
    resets_at timestamptz,
    read_at timestamptz not null,
    known_until timestamptz not null,
    primary key (scope, remote_id)
  )`,
  `create index announced_quota_remote on announced_quota (remote_id)`,
  // What the pushes and uploads that run in a process will need. seen_at: a process that says nothing for long has ended.
  `create table storage_reservation (
    process_id uuid primary key,
    bytes bigint not null,
    seen_at timestamptz not null
  )`,
  // Of a WAITING task. waits_until is null if nobody knows.
  `alter table task add column waits_for text check (waits_for in ('TURN', 'SYNC_WINDOW', 'QUOTA')), add column waits_until timestamptz`,
];
