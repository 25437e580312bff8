import { Migration } from '@mikro-orm/migrations';

/** Fallbacks of remotes, the circuit breakers of hosts, and which upstream served a task. */
export class Migration0013Upstreams extends Migration {
  override name = '0013-upstreams';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // Other places of the same content, in order.
  `alter table remote add column fallbacks jsonb not null default '[]'`,
  `alter table mirror_rule add column fallbacks jsonb not null default '[]'`,
  // Hosts with fallbacks that have failed. scope: the host with the settings that decide who answers. A row without open_until only counts
  // failures. One request probes the host once open_until has passed, and owns the probe until probe_until.
  `create table host_breaker (
    scope text primary key,
    host text not null,
    failures int not null,
    step int not null default 0,
    reason text not null,
    failed_at timestamptz not null,
    open_until timestamptz,
    probe_until timestamptz
  )`,
  // Of syncs whose remote has fallbacks. has_list: the tags are those of this upstream.
  `create table task_upstream (
    task_id bigint not null references task on delete cascade,
    url text collate "C" not null,
    upstream_name text collate "C" not null,
    position int not null,
    has_list boolean not null default false,
    manifests int not null default 0,
    blobs int not null default 0,
    bytes bigint not null default 0,
    primary key (task_id, url, upstream_name)
  )`,
];
