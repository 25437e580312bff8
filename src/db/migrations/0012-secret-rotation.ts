import { Migration } from '@mikro-orm/migrations';

/** Which rotation of the secrets' key is under way, so that the next start finishes one that was cut off. */
export class Migration0012SecretRotation extends Migration {
  override name = '0012-secret-rotation';

  up(): void {
    this.addSql(`create table secret_rotation (
      key_id text primary key,
      begun_at timestamptz not null default now()
    )`);
  }
}
