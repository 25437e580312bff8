import { createAnnouncedQuotas } from '../../upstream/clients/announced-quotas.ts';
import { breakersFailed, createBreakers } from '../../upstream/failover/breakers.ts';
import type { ActivityDeps } from '../deps.ts';
import { createHostMemories } from './host-memories.ts';
import type { SharedByClients } from './open-client.ts';
import { createQuotas } from './quotas.ts';
import { createThrottles } from './throttles.ts';

/** What the clients of a worker share. */
export function shareClients(deps: ActivityDeps): SharedByClients {
  return {
    throttles: createThrottles(deps),
    memories: createHostMemories(deps),
    quotas: createQuotas(deps),
    announced: createAnnouncedQuotas({
      em: () => deps.database.em.fork(),
      onError: (error) => deps.logger.warn({ err: error }, 'could not note the quotas of upstreams'),
    }),
    breakers: createBreakers({
      em: () => deps.database.em.fork(),
      onError: (error) => deps.logger.warn({ err: error }, breakersFailed),
    }),
  };
}
