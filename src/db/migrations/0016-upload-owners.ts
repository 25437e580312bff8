import { Migration } from '@mikro-orm/migrations';

/** Who began an upload, so that one pusher cannot take all there may be. */
export class Migration0016UploadOwners extends Migration {
  override name = '0016-upload-owners';

  up(): void {
    this.addSql(`alter table upload add column owner text not null default ''`);
    this.addSql(`create index upload_owner on upload (owner)`);
  }
}
