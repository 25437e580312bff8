import { Migration } from '@mikro-orm/migrations';

/** What clients have pulled, day by day. */
export class Migration0015Pulls extends Migration {
  override name = '0015-pulls';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // day: in UTC. The day comes first, so that old days are removed, and the newest are read, as a range.
  `create table pull_day (
    day date not null,
    repository_id bigint not null references repository on delete cascade,
    pulls bigint not null,
    bytes bigint not null,
    primary key (day, repository_id)
  )`,
  `create index pull_day_repository on pull_day (repository_id)`,
];
