import { Migration } from '@mikro-orm/migrations';

/** Whether layers that an upstream does not have are asked for at the addresses that its manifests name. */
export class Migration0020LayerUrls extends Migration {
  override name = '0020-layer-urls';

  up(): void {
    this.addSql('alter table remote add column follow_layer_urls boolean not null default false');
  }
}
