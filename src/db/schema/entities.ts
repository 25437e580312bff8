import { accessTables } from './access.ts';
import { budgetsTables } from './budgets.ts';
import { configurationTables } from './configuration.ts';
import { contentTables } from './content.ts';
import { credentialsTables } from './credentials.ts';
import { distributionsTables } from './distributions.ts';
import { installationTables } from './installation.ts';
import { proxiesTables } from './proxies.ts';
import { pullsTables } from './pulls.ts';
import { remotesTables } from './remotes.ts';
import { repositoriesTables } from './repositories.ts';
import { rulesTables } from './rules.ts';
import { schedulesTables } from './schedules.ts';
import { signaturesTables } from './signatures.ts';
import { stagingTables } from './staging.ts';
import { tagChecksTables } from './tag-checks.ts';
import { tasksTables } from './tasks.ts';
import { upstreamsTables } from './upstreams.ts';
import { versionsTables } from './versions.ts';
import { webhooksTables } from './webhooks/webhooks.ts';

/** Each table that the migrations make. */
export const entities = [
  ...accessTables,
  ...budgetsTables,
  ...configurationTables,
  ...contentTables,
  ...credentialsTables,
  ...distributionsTables,
  ...installationTables,
  ...proxiesTables,
  ...pullsTables,
  ...remotesTables,
  ...repositoriesTables,
  ...rulesTables,
  ...schedulesTables,
  ...signaturesTables,
  ...stagingTables,
  ...tagChecksTables,
  ...tasksTables,
  ...upstreamsTables,
  ...versionsTables,
  ...webhooksTables,
];
