/** The API over a sync harness's database and blob folder, with all that it fetches on demand; several may run beside each other. */
import { noLogins } from '../../../src/access/login-settings.ts';
import type { LoginSettings } from '../../../src/access/login-settings.ts';
import type { ApiConfig } from '../../../src/api/dependencies.ts';
import { createWorkflowClient } from '../../../src/api/temporal/workflow-client.ts';
import type { BlobStore } from '../../../src/content/store.ts';
import { openUploadFolder } from '../../../src/content/folder/upload-folder.ts';
import { createUpstreamReader } from '../../../src/on-demand/upstream-reader.ts';
import type { RunningUpstreamReader } from '../../../src/on-demand/upstream-reader.ts';
import { openRegistry } from '../../../src/registry/client.ts';
import { createSignatureChecks } from '../../../src/upstream/check-signatures.ts';
import type { SyncHarness } from '../sync/sync-harness.ts';
import { expectNoSecret } from '../test-secret.ts';
import { keepLog, listenApi, manifestMaxBytes } from './listen-api.ts';
import type { ListeningApi } from './listen-api.ts';

export interface HarnessApi extends ListeningApi {
  /** All that was logged so far. */
  readonly logged: () => string;
  /** What it fetches on demand. */
  readonly upstreams: RunningUpstreamReader;
}

export interface HarnessApiOptions {
  readonly logins?: LoginSettings;
  readonly waitMaxMs?: number;
  readonly tagWaitMs?: number;
  readonly cacheBytes?: number;
  readonly config?: Partial<ApiConfig>;
  /** In place of the harness's own. */
  readonly store?: BlobStore;
}

export async function startHarnessApi(
  harness: SyncHarness,
  { logins = noLogins, waitMaxMs, tagWaitMs, cacheBytes, config, ...given }: HarnessApiOptions = {},
): Promise<HarnessApi> {
  const { database, folder, secrets, credentials } = harness;
  const { store = harness.store } = given;
  const { logger, logged } = keepLog();
  const upstreams = createUpstreamReader({
    database,
    databaseUrl: harness.databaseUrl,
    store,
    secrets,
    credentials,
    openRegistry,
    bandwidth: harness.activityOptions.bandwidth,
    signatures: createSignatureChecks(harness),
    logger,
    waitMaxMs,
    tagWaitMs,
    cacheBytes,
    manifestMaxBytes,
    allowPrivate: true,
    allowUpstream: [],
    logins,
  });
  const api = await listenApi({
    database,
    workflows: createWorkflowClient({ client: harness.client, taskQueue: harness.taskQueue }),
    secrets,
    logins,
    config,
    blobs: store,
    upstreams,
    uploads: await openUploadFolder({ root: folder, blobs: store, fsync: false }),
    logger,
  });
  return {
    ...api,
    logged,
    upstreams,
    async close() {
      await api.close();
      await upstreams.close();
      expectNoSecret(logged(), 'the log of the API');
    },
  };
}
