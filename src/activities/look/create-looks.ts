import DataLoader from 'dataloader';
import { randomUUID } from 'node:crypto';
import { readSettledSyncs } from '../../db/look/settled-syncs.ts';
import type { SettledSync } from '../../db/look/settled-syncs.ts';
import { Remote } from '../../db/schema/remotes.ts';
import { readKnownListings } from '../../db/tasks/host-listing.ts';
import type { ListedPlace } from '../../db/tasks/host-listing.ts';
import { rulesOf } from '../../selection/tag-rules.ts';
import { compileSubset } from '../../upstream/compile-subset.ts';
import type { Registry } from '../../registry/registry.ts';
import { createRegistryClients } from '../../upstream/clients/registry-clients.ts';
import type { ActivityDeps } from '../deps.ts';
import { openClient } from '../sync/open-client.ts';
import type { SharedByClients } from '../sync/open-client.ts';
import { isWindowClosed } from '../sync/sync-window.ts';
import { openPageContent } from './page-content.ts';
import { canCompare, findUnchanged } from './find-unchanged.ts';
import type { Look } from './look.ts';
import { createLookHosts } from './look-hosts.ts';
import { hostScope } from '../../upstream/clients/host-scope.ts';

/*
 * The look before scheduled syncs. It asks the upstream what a sync would ask about a repository in which nothing has changed. Whatever a look
 * cannot tell, and every error, is left to the sync.
 */

export interface Looks {
  /**
   * Looks at the repositories of these schedules, and calls `onSync` for each that needs a sync, as soon as that is known.
   * @returns those in which a sync would change nothing.
   */
  look(
    scheduleIds: readonly number[],
    onSync: (scheduleId: number) => void,
    signal: AbortSignal,
  ): Promise<number[]>;
  close(): Promise<void>;
}

/** Runs that share a statement. */
const batch = { maxBatchSize: 100, cache: false } as const;

interface Page {
  readonly content: ReturnType<typeof openPageContent>;
  readonly store: Look['store'];
}

/** Repositories share layers: each is looked up once a page. */
function rememberStored(store: Look['store']): Look['store'] {
  const found = new Map<string, Promise<boolean>>();
  return {
    exists(descriptor) {
      const key = `${descriptor.digest} ${descriptor.size}`;
      const known = found.get(key) ?? store.exists(descriptor);
      found.set(key, known);
      return known;
    },
  };
}

export function createLooks(deps: ActivityDeps, shared: SharedByClients): Looks {
  const em = () => deps.database.em.fork();
  const clients = createRegistryClients<Registry>();
  const hosts = createLookHosts();
  const listings = new DataLoader((places: readonly ListedPlace[]) => readKnownListings(em(), places), batch);

  async function isSame(
    settled: SettledSync,
    { remote, filter, page }: Pick<Look, 'remote' | 'filter'> & { readonly page: Page },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { allowPrivate } = settled;
    const scope = hostScope(remote);
    const client = clients.hold(`${remote.id} ${allowPrivate}`, remote, () =>
      openClient(deps, shared, {
        remote,
        allowPrivate,
        witness: `look ${randomUUID()}`,
        onAnswer: () => hosts.answered(scope),
      }),
    );
    try {
      const present = await page.content(settled);
      const { store } = page;
      const look = {
        mirror: settled.mirror,
        remote,
        rules: rulesOf(remote),
        filter,
        concurrency: remote.downloadConcurrency,
        registry: client.value,
        present,
        store,
        knownListing: (place: ListedPlace) => listings.load(place),
      };
      return (await findUnchanged(deps, look, signal)) !== undefined;
    } finally {
      client.release();
    }
  }

  async function lookAt(
    settled: SettledSync,
    remote: Remote,
    page: Page,
    signal: AbortSignal,
  ): Promise<boolean> {
    const filter = compileSubset(remote);
    // The sync waits for a window. A look asks the upstream, too.
    if (!canCompare(filter) || isWindowClosed(deps, remote)) return false;
    try {
      const found = await hosts.run(hostScope(remote), signal, (looking) =>
        isSame(settled, { remote, filter, page }, looking),
      );
      return found ?? false;
    } catch (error) {
      signal.throwIfAborted();
      deps.logger.debug({ err: error, scheduleId: settled.scheduleId }, 'a look is left to the sync');
      return false;
    }
  }

  return {
    async look(scheduleIds, onSync, signal) {
      const settled = await readSettledSyncs(em(), scheduleIds);
      const isSettled = new Set(settled.map(({ scheduleId }) => scheduleId));
      for (const id of scheduleIds) if (!isSettled.has(id)) onSync(id);
      const ids = [...new Set(settled.map(({ remoteId }) => remoteId))];
      const remotes = new Map((await em().find(Remote, { id: { $in: ids } })).map((row) => [row.id, row]));
      const page = { content: openPageContent(em, settled), store: rememberStored(deps.store) };
      const unchanged: number[] = [];
      await Promise.all(
        settled.map(async (one) => {
          const remote = remotes.get(one.remoteId);
          if (remote !== undefined && (await lookAt(one, remote, page, signal)))
            unchanged.push(one.scheduleId);
          else onSync(one.scheduleId);
        }),
      );
      return unchanged;
    },
    close: () => clients.close(),
  };
}
