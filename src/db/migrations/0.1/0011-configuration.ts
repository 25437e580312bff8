import { Migration } from '@mikro-orm/migrations';

/** What applying tidemark.yaml has created. */
export class Migration0011Configuration extends Migration {
  override name = '0011-configuration';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // thing_id is the id of a row of the table that the kind names. Ids are not reused, so a row may outlive its thing.
  `create table configured_thing (
    kind text not null check (kind in ('SIGNATURE_POLICY', 'CREDENTIAL', 'REMOTE', 'REPOSITORY', 'SCHEDULE', 'DISTRIBUTION', 'MIRROR_RULE',
      'PROXY')),
    thing_id bigint not null,
    configuration text not null,
    primary key (kind, thing_id)
  )`,
  `create index configured_thing_configuration on configured_thing (configuration, kind, thing_id)`,
];
