import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Config } from '../../config.ts';
import type { RunningServers } from '../../embedded/start-embedded.ts';

/** Address, TLS and API key of an external Temporal server come from @temporalio/envconfig. */
export function temporalOptions({
  config,
  servers,
}: {
  readonly config: Pick<Config, 'temporalAddress'>;
  readonly servers: Pick<RunningServers, 'temporalAddress'>;
}) {
  if (config.temporalAddress === undefined) return { address: servers.temporalAddress };
  return { ...loadClientConnectConfig().connectionOptions, address: config.temporalAddress };
}
