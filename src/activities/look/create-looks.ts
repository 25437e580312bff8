import DataLoader from 'dataloader';
import { randomUUID } from 'node:crypto';
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
import { noteState } from '../../db/difference/complete-same.ts';
import { sampleSize } from '../difference/find-difference.ts';
import { openPageContent } from './page-content.ts';
import { canCompare, findUnchanged } from './find-unchanged.ts';
import type { Look } from './look.ts';
import { lookAtDifference } from './look-at-difference.ts';
import { createLookHosts } from './look-hosts.ts';
import type { LookHosts } from './look-hosts.ts';
import { hostScope } from '../../upstream/clients/host-scope.ts';

/*
 * The look before the syncs of schedules and mirror rules. It asks the upstream what a sync would ask about a repository in which nothing has changed. Whatever a look
 * cannot tell, and every error, is left to the sync.
 */

export interface Looks {
  /**
   * Looks at repositories, and calls `onSync` with the key of each that needs a sync, as soon as that is known.
   * @returns the keys of those in which a sync would change nothing.
   */
  look(
    settled: readonly SettledSync[],
    onSync: (key: number) => void,
    signal: AbortSignal,
  ): Promise<number[]>;
  close(): Promise<void>;
}

/** Runs that share a statement. */
const batch = { maxBatchSize: 100, cache: false } as const;

interface Page {
  /** Hosts at which a tag is requested although another Tidemark tells that it has not changed. One per cent of such tags are, at least one. */
  readonly sampled: Set<string>;
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
  const repositories = createRepositoryLooks(deps, shared);
  return {
    async look(settled, onSync, signal) {
      const ids = [...new Set(settled.map(({ remoteId }) => remoteId))];
      const remotes = new Map((await em().find(Remote, { id: { $in: ids } })).map((row) => [row.id, row]));
      const page = {
        content: openPageContent(em, settled),
        store: rememberStored(deps.store),
        sampled: new Set<string>(),
      };
      const unchanged: number[] = [];
      await Promise.all(
        settled.map(async (one) => {
          const remote = remotes.get(one.remoteId);
          if (remote !== undefined && (await repositories.isUnchanged(one, remote, page, signal)))
            unchanged.push(one.key);
          else onSync(one.key);
        }),
      );
      return unchanged;
    },
    close: () => repositories.close(),
  };
}

interface RepositoryLooks {
  /** False: changed, or it cannot be told. */
  isUnchanged(settled: SettledSync, remote: Remote, page: Page, signal: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}

function createRepositoryLooks(deps: ActivityDeps, shared: SharedByClients): RepositoryLooks {
  const hosts = createLookHosts();
  const clients = createLookClients(deps, shared, hosts);
  const listings = new DataLoader(
    (places: readonly ListedPlace[]) => readKnownListings(deps.database.em.fork(), places),
    batch,
  );

  const knownListing = (place: ListedPlace) => listings.load(place);

  async function compare(
    settled: SettledSync,
    { remote, filter, page }: Pick<Look, 'remote' | 'filter'> & { readonly page: Page },
    signal: AbortSignal,
  ): Promise<boolean> {
    const client = clients.hold(remote, settled.allowPrivate);
    const common = {
      rules: rulesOf(remote),
      filter,
      concurrency: remote.downloadConcurrency,
      registry: client.value,
    };
    try {
      const sample = takeSample(page, settled, remote);
      const told = await lookAtDifference(deps, { ...common, settled, remote, sample, knownListing }, signal);
      if (told !== undefined || !settled.isSmall) return told === true;
      const present = await page.content(settled);
      const { mirror } = settled;
      const look = { ...common, mirror, remote, present, store: page.store, knownListing };
      const unchanged = await findUnchanged(deps, look, signal);
      if (unchanged?.state !== undefined)
        await noteState(deps.database.em.fork(), settled.lastTaskId, {
          state: unchanged.state,
          isWhole: true,
        });
      return unchanged !== undefined;
    } finally {
      client.release();
    }
  }

  return {
    async isUnchanged(settled, remote, page, signal) {
      const filter = compileSubset(remote);
      // The sync waits for a window. A look asks the upstream, too.
      if (!canCompare(filter) || isWindowClosed(deps, remote)) return false;
      try {
        const found = await hosts.run(hostScope(remote), signal, (looking) =>
          compare(settled, { remote, filter, page }, looking),
        );
        return found ?? false;
      } catch (error) {
        signal.throwIfAborted();
        deps.logger.debug({ err: error, repositoryId: settled.repositoryId }, 'a look is left to the sync');
        return false;
      }
    },
    close: () => clients.close(),
  };
}

function takeSample({ sampled }: Page, { tags, upstreamState }: SettledSync, remote: Remote): number {
  const scope = hostScope(remote);
  if (upstreamState === null) return 0;
  const isFirst = !sampled.has(scope);
  sampled.add(scope);
  return isFirst || tags >= 100 ? sampleSize(tags) : 0;
}

/** Looks at one remote share a client. Each answer proves that the host answers. */
function createLookClients(deps: ActivityDeps, shared: SharedByClients, hosts: LookHosts) {
  const clients = createRegistryClients<Registry>();
  return {
    hold(remote: Remote, allowPrivate: boolean) {
      const scope = hostScope(remote);
      return clients.hold(`${remote.id} ${allowPrivate}`, remote, () =>
        openClient(deps, shared, {
          remote,
          allowPrivate,
          witness: `look ${randomUUID()}`,
          onAnswer: () => hosts.answered(scope),
        }),
      );
    },
    close: () => clients.close(),
  };
}
