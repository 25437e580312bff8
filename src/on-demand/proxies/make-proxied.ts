import type { Logger } from 'pino';
import { areLoginsOn } from '../../access/login-settings.ts';
import type { LoginSettings } from '../../access/login-settings.ts';
import { readStanding } from '../../access/standing.ts';
import { findNameHolder, resolveDistribution } from '../../db/distributions/distributions.ts';
import { countProxyRepositories } from '../../db/proxies/proxies.ts';
import { RegistryProxy } from '../../db/schema/proxies.ts';
import type { ManifestToStore } from '../../db/content/meaning.ts';
import { quoteValue } from '../../oci/error.ts';
import type { ProxyOutcome, ProxyWish } from '../../oci/hosts/proxied-name.ts';
import { atMost, makeProxied } from '../../operations/proxies/make-proxied.ts';
import { openRepositoryFilter } from '../../selection/globs.ts';
import { createBoundedMap } from '../../registry/transport/bounded-map.ts';
import { compileSubset } from '../../upstream/compile-subset.ts';
import { createLimiters } from '../../upstream/limiter.ts';
import { createSharedWork } from '../../upstream/shared-work.ts';
import type { PullThrough } from '../pull-through.ts';
import { askUpstream, draftRemote } from './ask-upstream.ts';
import type { AskDeps } from './ask-upstream.ts';

export interface ProxyDeps extends AskDeps {
  readonly logins: LoginSettings;
  readonly logger: Logger;
  readonly pullThrough: Pick<PullThrough, 'pull'>;
}

export interface ProxyMaker {
  /**
   * Makes the repository once the upstream has answered that it has the manifest, and keeps that manifest.
   * @param client Aborted when the client leaves.
   * @throws TidemarkError of the upstream; the signal's reason
   */
  make(wish: ProxyWish, client?: AbortSignal): Promise<ProxyOutcome>;
  close(): Promise<void>;
}

/** Concurrent requests of a proxy for manifests of repositories that are not here yet. */
const maxRequests = 32;
/** How long a client waits. The next client joins a question that has begun. */
const waitMaxMs = 30_000;
/** How often a repository is made anew because its proxy was changed meanwhile. */
const attemptsAtMost = 5;
const absencesAtMost = 10_000;

export function createProxyMaker(deps: ProxyDeps): ProxyMaker {
  const closing = new AbortController();
  const limiterOf = createLimiters(maxRequests);
  const running = createSharedWork<ProxyOutcome>();
  const ending = new Set<Promise<unknown>>();
  const { look, ask } = createAsking(deps, closing.signal);

  /** @param clients Aborted when all of them have left. Then a question that waits for its turn is not asked. */
  async function begin(wish: ProxyWish, clients: AbortSignal, keep: () => void): Promise<ProxyOutcome> {
    const found = await look(wish);
    if (found.kind !== 'unknown') return found;
    const waiting = AbortSignal.any([closing.signal, clients]);
    return limiterOf(wish.proxyId).run(waiting, () => {
      keep();
      return ask(wish);
    });
  }

  return {
    async make(wish, client) {
      closing.signal.throwIfAborted();
      const key = JSON.stringify([wish.proxyId, wish.name, nameOf(wish)]);
      const late = AbortSignal.timeout(waitMaxMs);
      const signal = client === undefined ? late : AbortSignal.any([client, late]);
      const work = (clients: AbortSignal, keep: () => void) => {
        const made = begin(wish, clients, keep).finally(() => ending.delete(made));
        ending.add(made);
        return made;
      };
      try {
        const outcome = await running.join(key, work, { signal });
        return outcome === 'out-of-time' ? { kind: 'late' } : outcome;
      } catch (error) {
        if (late.aborted && error === late.reason) return { kind: 'late' };
        throw error;
      }
    },
    async close() {
      closing.abort();
      await Promise.allSettled(ending);
    },
  };
}

/** Asks by the settings that a proxy has at the time. */
function createAsking(deps: ProxyDeps, signal: AbortSignal) {
  /** Until when the upstream's answer that it lacks something is believed. */
  const absences = createBoundedMap<{ readonly untilMs: number; readonly outcome: ProxyOutcome }>(
    absencesAtMost,
  );

  /** The proxy as it is now, or what is known of the upstream by its settings. */
  async function look(wish: ProxyWish) {
    const proxy = await deps.database.em.fork().findOne(RegistryProxy, { id: wish.proxyId });
    if (proxy === null) return { kind: 'left-out', reason: 'Its proxy was deleted.' } as const;
    const key = JSON.stringify([proxy.id, proxy.updatedAt.getTime(), wish.upstreamName, nameOf(wish)]);
    const known = absences.get(key);
    if (known !== undefined && known.untilMs > performance.now()) return known.outcome;
    return { kind: 'unknown', proxy, key } as const;
  }

  async function ask(wish: ProxyWish): Promise<ProxyOutcome> {
    for (let attempt = 0; attempt < attemptsAtMost; attempt += 1) {
      const found = await look(wish);
      if (found.kind !== 'unknown') return found;
      const { proxy, key } = found;
      const outcome = await makeOnce(deps, proxy, wish, signal);
      if (outcome.kind === 'proxy-changed') continue;
      if (outcome.kind === 'absent')
        absences.set(key, { outcome, untilMs: performance.now() + proxy.notFoundTtlSeconds * 1_000 });
      return outcome;
    }
    return { kind: 'late' };
  }

  return { look, ask };
}

/** `proxy-changed`: nothing was made, because these are not the settings of the proxy any more. */
type Made = ProxyOutcome | { readonly kind: 'proxy-changed' };

async function makeOnce(
  deps: ProxyDeps,
  proxy: RegistryProxy,
  wish: ProxyWish,
  signal: AbortSignal,
): Promise<Made> {
  const em = deps.database.em.fork();
  const { name, upstreamName } = wish;
  if (!openRepositoryFilter(proxy)(upstreamName))
    return {
      kind: 'left-out',
      reason: `The proxy ${quoteValue(proxy.name)} leaves ${quoteValue(upstreamName)} out by its globs.`,
    };
  // also one that is not served: a proxy takes the place of nothing
  if ((await findNameHolder(em, name)) !== null) return { kind: 'made' };
  const [count = 0] = await countProxyRepositories(em, [proxy.id]);
  if (count >= proxy.repositoriesAtMost) return { kind: 'left-out', reason: atMost(proxy) };
  const draft = draftRemote(deps, proxy, upstreamName);
  const filter = compileSubset(draft.remote);
  const { reference } = wish;
  const isSelected =
    'tag' in reference ? filter.matches(reference.tag) : filter.holdsDigest(reference.digest);
  if (!isSelected)
    return { kind: 'left-out', reason: `The proxy ${quoteValue(proxy.name)} leaves the tag out.` };
  const manifest = await askUpstream(deps, proxy, { draft, reference: nameOf(wish) }, signal);
  if (manifest === undefined) return { kind: 'absent' };
  if ('refused' in manifest) {
    deps.logger.warn({ proxy: proxy.name, repository: name, reason: manifest.refused }, refusedByUpstream);
    return { kind: 'absent', reason: 'It refuses access to that repository, or has none of that name.' };
  }
  return makeAndKeep(deps, proxy, wish, manifest);
}

const refusedByUpstream = 'the upstream of a proxy refuses access to a repository, or lacks it';

async function makeAndKeep(
  deps: ProxyDeps,
  proxy: RegistryProxy,
  wish: ProxyWish,
  manifest: ManifestToStore,
): Promise<Made> {
  const { name, upstreamName, reference } = wish;
  const em = deps.database.em.fork();
  const isAccessOn = areLoginsOn(deps.logins);
  const viewer = await readStanding(em, proxy.madeBy, deps.logins);
  const { secrets, allowPrivate, allowUpstream } = deps;
  const rules = { secrets, addresses: { allowPrivate, allowUpstream } };
  const made = await makeProxied({ em, viewer }, { proxy, name, upstreamName, rules, isAccessOn });
  const { mistakes } = made;
  // another request or process was first
  if (mistakes !== undefined && (await findNameHolder(em, name)) !== null) return { kind: 'made' };
  if (mistakes !== undefined) {
    const reason = mistakes.map(({ message }) => message).join(' ');
    deps.logger.warn({ proxy: proxy.name, repository: name, reason }, 'a proxy cannot make a repository');
    return { kind: 'refused' };
  }
  if (made.value === 'proxy-changed') return { kind: made.value };
  const place = await resolveDistribution(em, name, isAccessOn);
  if (place === undefined || place.pullThroughRemoteId === null) return { kind: 'made' };
  const { repositoryId, pullThroughRemoteId: remoteId, policies, notFoundTtlSeconds } = place;
  const missing = { repositoryId, remoteId, reference, policies, notFoundTtlSeconds };
  // Where this fails, the pull of the client tries again and reports the error.
  await deps.pullThrough.pull({ ...missing, fetched: manifest }).catch((error: unknown) => {
    deps.logger.debug({ err: error, repository: name }, 'the first manifest of a proxy was not kept');
  });
  return { kind: 'made' };
}

function nameOf({ reference }: ProxyWish): string {
  return 'tag' in reference ? reference.tag : reference.digest;
}
