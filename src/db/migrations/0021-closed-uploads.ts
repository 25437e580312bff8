import { Migration } from '@mikro-orm/migrations';

/** The last request of an upload can be repeated after a process was killed in it. */
export class Migration0021ClosedUploads extends Migration {
  override name = '0021-closed-uploads';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // The digest of the bytes, written before they are moved among the blobs.
  `alter table upload add column verified_digest text, add column verified_bytes bigint`,
  // The upload that became the blob last.
  `alter table repository_blob add column upload_id uuid`,
];
