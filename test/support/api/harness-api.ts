/** The API over a sync harness's database and blob folder, with all that it fetches on demand; several may run beside each other. */
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { createAccess, noLogins } from '../../../src/access/access.ts';
import type { LoginSettings } from '../../../src/access/access.ts';
import { createSignatureChecks } from '../../../src/upstream/check-signatures.ts';
import { createApi } from '../../../src/api/server.ts';
import { createWorkflowClient } from '../../../src/api/temporal/workflow-client.ts';
import { openUploadFolder } from '../../../src/content/folder/upload-folder.ts';
import { createUpstreamReader } from '../../../src/on-demand/upstream-reader.ts';
import { openRegistry } from '../../../src/registry/client.ts';
import { startUp } from '../watch/allow-stalls.ts';
import { askGraphql } from './graphql.ts';
import type { GraphqlAnswer } from './graphql.ts';
import type { SyncHarness } from '../sync/sync-harness.ts';
import { expectNoSecret } from '../test-secret.ts';

export interface HarnessApi {
  readonly url: string;
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** All that was logged so far. */
  readonly logged: () => string;
  /** @param token Shown as Bearer; default: none. */
  graphql(query: string, variables?: object, token?: string): Promise<GraphqlAnswer>;
  close(): Promise<void>;
}

export async function startHarnessApi(
  harness: SyncHarness,
  { logins = noLogins, waitMaxMs }: { readonly logins?: LoginSettings; readonly waitMaxMs?: number } = {},
): Promise<HarnessApi> {
  const { database, store, folder, secrets } = harness;
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line) => void lines.push(line) });
  const limits = { manifestMaxBytes: 4 * 1024 * 1024, allowPrivate: true, allowUpstream: [] };
  const signatures = createSignatureChecks(harness);
  const upstreams = createUpstreamReader({
    ...limits,
    database,
    databaseUrl: database.config.get('clientUrl') ?? '',
    store,
    secrets,
    openRegistry,
    signatures,
    logger,
    waitMaxMs,
    isShared: logins.tokens || logins.oidc !== undefined,
  });
  const uploads = await openUploadFolder({ root: folder, blobs: store, fsync: false });
  const app = await startUp(() =>
    createApi({
      database,
      workflows: createWorkflowClient({ client: harness.client, taskQueue: harness.taskQueue }),
      secrets,
      access: createAccess({ database, secrets, logins }),
      config: {
        ...limits,
        host: '127.0.0.1',
        temporalUiUrl: undefined,
        temporalNamespace: 'default',
        version: '0.0.0-test',
      },
      blobs: store,
      upstreams,
      uploads,
      signatures,
      checkStore: () => Promise.resolve(),
      logger,
    }),
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  const host = `127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    logged: () => lines.join(''),
    graphql: (...request) => askGraphql(`http://${host}`, ...request),
    async close() {
      await app.close();
      await upstreams.close();
      expectNoSecret(lines.join(''), 'the log of the API');
    },
  };
}
