import { Migration } from '@mikro-orm/migrations';

/** The slots of `rateLimit` belong to a host: repositories of one registry have remotes of their own, and share it. */
export class Migration0011HostBudgets extends Migration {
  override name = '0011-host-budgets';

  up(): void {
    // remote_budget, which had a row a remote, stays for processes of the release before; nothing else uses it
    this.addSql(`create table host_budget (
      host text collate "C" primary key,
      next_request_at timestamptz not null
    )`);
  }
}
