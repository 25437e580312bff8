import { addDelivered, readListPlace, setListPlace } from '../../db/upstreams/task-upstreams.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { TidemarkError } from '../../oci/error.ts';
import type { Registry } from '../../registry/registry.ts';
import type { PlaceFailure } from '../../upstream/failover/ask-places.ts';
import { countDeliveries } from '../../upstream/failover/deliveries.ts';
import { openFailoverRegistry } from '../../upstream/failover/failover-registry.ts';
import type { FailoverRegistry } from '../../upstream/failover/failover-registry.ts';
import type { Place, Places } from '../../upstream/failover/places.ts';
import type { ActivityDeps } from '../deps.ts';
import { hostOf } from './open-client.ts';
import type { SharedByClients } from './open-client.ts';

/** The upstream of a sync, as one of its activities uses it. */
export interface SyncUpstream {
  readonly registry: Registry;
  /** Undefined without fallbacks. */
  readonly failover: FailoverRegistry | undefined;
  /** Writes what was delivered. */
  finish(): Promise<void>;
}

export interface SyncPlaces {
  readonly taskId: number;
  readonly places: Places;
  readonly hasSignatureStore: boolean;
  /** Whether the activity lists the tags, and so chooses the upstream that they come from. The later ones keep to it. */
  readonly lists: boolean;
}

export async function openSyncUpstream(
  deps: ActivityDeps,
  { throttles, breakers }: SharedByClients,
  { taskId, places: { all }, hasSignatureStore, lists }: SyncPlaces,
): Promise<SyncUpstream> {
  const [own] = all;
  if (all.length === 1)
    return { registry: own.registry, failover: undefined, finish: () => Promise.resolve() };
  const em = () => deps.database.em.fork();
  const deliveries = countDeliveries(
    (rows) => addDelivered(em(), taskId, rows),
    (error) => deps.logger.warn({ err: error, taskId }, 'could not count what the upstreams delivered'),
  );
  const failover = openFailoverRegistry({
    places: all,
    breakers,
    deliveries,
    hasSignatureStore,
    waits: true,
    chosen: lists ? undefined : await readChosen(deps, taskId, all),
    onThrottled: ({ url }, error) => throttles.note(hostOf(url), error),
    async onChosen(place, failures) {
      await setListPlace(em(), taskId, place);
      if (place !== own) await addWarnings(em(), taskId, [fallbackWarning(own, place, failures)]);
    },
  });
  return { registry: failover, failover, finish: () => deliveries.write() };
}

/** @throws TidemarkError `REMOTE_CHANGED` if the remote has lost the fallback since the list */
async function readChosen(deps: ActivityDeps, taskId: number, all: Places['all']): Promise<Place> {
  const listed = await readListPlace(deps.database.em.fork(), taskId);
  if (listed === undefined) return all[0];
  const place = all.find(
    ({ url, upstreamName }) => url === listed.url && upstreamName === listed.upstreamName,
  );
  if (place !== undefined) return place;
  throw new TidemarkError(
    'REMOTE_CHANGED',
    `The sync listed the tags of ${listed.upstreamName} at ${listed.url}, which is no upstream of the remote any more. Nothing was changed; sync again.`,
    { origin: 'caller' },
  );
}

function fallbackWarning(own: Place, place: Place, failures: readonly PlaceFailure[]): string {
  const error = failures.find((failure) => failure.place === own)?.error;
  return (
    `The tags were listed at ${place.host}, a fallback, because ${own.host} was unavailable. Only new tags are taken from a fallback: present tags ` +
    `stay as they are, and nothing is removed, until ${own.host} answers again. ${error?.message ?? `${own.host} failed in earlier requests.`}`
  );
}
