import { Migration } from '@mikro-orm/migrations';

/** Clean-up: since when nothing has held a manifest or a blob, what asks that quickly, and what a task has to report. */
export class Migration0009Collection extends Migration {
  override name = '0009-collection';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // null: held, or not looked at since it last was
  `alter table manifest add column condemned_at timestamptz`,
  `alter table blob add column condemned_at timestamptz`,
  `create index manifest_condemned on manifest (condemned_at) where condemned_at is not null`,
  `create index blob_condemned on blob (condemned_at) where condemned_at is not null`,
  // each foreign key to a manifest or a blob is looked up when one is deleted
  `create index tag_membership_holds on tag_membership (manifest_id)`,
  `create index root_membership_holds on root_membership (manifest_id)`,
  `create index sync_tag_holds on sync_tag (manifest_id) where manifest_id is not null`,
  `create index sync_root_holds on sync_root (manifest_id)`,
  `create index sync_asked_holds on sync_asked (manifest_id)`,
  `create index sync_signed_holds on sync_signed (manifest_id)`,
  `create index sync_blob_holds on sync_blob (blob_id)`,
  `create index repository_blob_holds on repository_blob (blob_id)`,
  `alter table task add column report jsonb`,
  `create unique index task_one_upkeep on task (name)
    where name in ('content.collect', 'content.verify') and state in ('WAITING', 'RUNNING')`,
];
