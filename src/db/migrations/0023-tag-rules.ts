import { Migration } from '@mikro-orm/migrations';

/** Rules of a selection beside names and wildcards. */
export class Migration0023TagRules extends Migration {
  override name = '0023-tag-rules';

  up(): void {
    this.addSql(`alter table remote add column tag_rules jsonb not null default '{}'`);
  }
}
