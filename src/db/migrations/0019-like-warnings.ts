import { Migration } from '@mikro-orm/migrations';

/** Warnings of a task that differ in a name alone are one, with the names. */
export class Migration0019LikeWarnings extends Migration {
  override name = '0019-like-warnings';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // the message without what differs; null: nothing does
  `alter table task_warning add column shape text`,
  `alter table task_warning add column names text[] not null default '{}'`,
  `drop index task_warning_once`,
  `create unique index task_warning_once on task_warning (task_id, md5(coalesce(shape, message)))`,
];
