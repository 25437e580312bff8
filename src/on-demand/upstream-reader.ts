import { areLoginsOn } from '../access/login-settings.ts';
import { createBlobLocks } from '../db/content/blob-lock.ts';
import { breakersFailed, createBreakers } from '../upstream/failover/breakers.ts';
import { createBlobCache } from './blob-cache.ts';
import type { BlobCache, BlobCacheDeps } from './blob-cache.ts';
import { createRemoteClients } from './remote-clients.ts';
import type { RemoteClientDeps } from './remote-clients.ts';
import { createUpstreamBlobs } from './upstream-blobs.ts';
import type { UpstreamBlobs } from './upstream-blobs.ts';
import type { UpstreamBlobDeps } from './store-blob.ts';
import type { Remote } from '../db/schema/remotes.ts';
import type { RegistryProbe } from '../oci/hosts/registry-probe.ts';
import { testRemote } from './test-remote.ts';
import { createPullThrough } from './pull-through.ts';
import type { PullThrough, PullThroughDeps } from './pull-through.ts';
import { createTagFreshness } from './tag-freshness.ts';
import type { TagFreshness, TagFreshnessDeps } from './tag-freshness.ts';
import { createProxyMaker } from './proxies/make-proxied.ts';
import type { ProxyDeps, ProxyMaker } from './proxies/make-proxied.ts';

export interface UpstreamReaderDeps
  extends
    RemoteClientDeps,
    Omit<UpstreamBlobDeps, 'blobLocks' | 'clients' | 'cache' | 'store' | 'isShared'>,
    Pick<BlobCacheDeps, 'cacheBytes'>,
    Pick<PullThroughDeps, 'signatures' | 'waitMaxMs'>,
    Pick<TagFreshnessDeps, 'tagWaitMs'>,
    Pick<ProxyDeps, 'logins'> {
  readonly store: UpstreamBlobDeps['store'] & BlobCacheDeps['store'];
  readonly databaseUrl: string;
}

/** What the API reads from upstreams for waiting clients. */
export interface RunningUpstreamReader {
  readonly openBlob: UpstreamBlobs['open'];
  readonly pullManifest: PullThrough['pull'];
  readonly refreshTag: TagFreshness['refresh'];
  readonly makeProxied: ProxyMaker['make'];
  readonly trimCaches: BlobCache['trim'];
  testRemote(remote: Remote, signal: AbortSignal): Promise<RegistryProbe>;
  /** Ends downloads, then the connections to upstreams and the database. Call it after the API is closed. */
  close(): Promise<void>;
}

export function createUpstreamReader(given: UpstreamReaderDeps): RunningUpstreamReader {
  const deps = { ...given, isShared: areLoginsOn(given.logins) };
  const breakers = createBreakers({
    em: () => deps.database.em.fork(),
    onError: (error) => deps.logger.warn({ err: error }, breakersFailed),
  });
  const clients = createRemoteClients(deps, breakers);
  const blobLocks = createBlobLocks(deps.databaseUrl);
  const cache = createBlobCache({ ...deps, blobLocks });
  const blobs = createUpstreamBlobs({ ...deps, blobLocks, clients, cache });
  const pullThrough = createPullThrough({ ...deps, clients, blobs });
  const freshness = createTagFreshness({ ...deps, clients, pullThrough });
  const proxies = createProxyMaker({ ...deps, breakers, pullThrough });
  return {
    refreshTag: (tag) => freshness.refresh(tag),
    makeProxied: (wish, client) => proxies.make(wish, client),
    trimCaches: (repositoryIds) => cache.trim(repositoryIds),
    pullManifest: (missing) => pullThrough.pull(missing),
    openBlob: (blob) => blobs.open(blob),
    testRemote: (remote, signal) => testRemote(deps, remote, signal),
    async close() {
      await Promise.all([blobs.close(), proxies.close(), pullThrough.close(), freshness.close()]);
      await cache.close();
      await clients.close();
      await blobLocks.close();
    },
  };
}
