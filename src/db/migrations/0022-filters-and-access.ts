import { Migration } from '@mikro-orm/migrations';

/** How many tags the filters of a mirror sync leave out; for which distributions somebody has decided who may pull. */
export class Migration0022FiltersAndAccess extends Migration {
  override name = '0022-filters-and-access';

  up(): void {
    this.addSql(`alter table task add column tags_outside_filter int`);
    this.addSql(`alter table distribution add column is_decided boolean not null default false`);
    this.addSql(`update distribution set is_decided = true where is_private`);
  }
}
