import { Migration } from '@mikro-orm/migrations';

/** What a sync remembers of the state of another Tidemark, so that the next one can ask for the difference. */
export class Migration0020Difference extends Migration {
  override name = '0020-difference';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // upstream_state: what the upstream announced with the list of tags, or with the difference. listed_at: when the whole list was last read.
  // difference_of: the sync that this one has the difference to; null: the whole list was read. No reference: a sync must not lose it.
  `alter table task add column upstream_state text, add column listed_at timestamptz, add column difference_of bigint`,
  // Whether a repository has content that is not stored is asked before each look.
  `create index blob_unstored on blob (id) where stored_at is null`,
  `create index manifest_unread on manifest (id) where raw is null`,
];
