import { Migration } from '@mikro-orm/migrations';

/** In which order a sync checks signatures, and the policy that its stage was checked by. */
export class Migration0015SignatureChecks extends Migration {
  override name = '0015-signature-checks';

  up(): void {
    // the first of each image before the second of any
    this.addSql('alter table sync_signer add column rank int not null default 1');
    // policyId, revision and dockerReference; null: no policy was in force
    this.addSql('alter table task add column checked_by jsonb');
  }
}
