import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { createSignatureChecks } from '../../src/activities/check-signatures.ts';
import { createApi } from '../../src/api/server.ts';
import { createWorkflowClient } from '../../src/api/workflow-client.ts';
import { openUploadFolder } from '../../src/content/upload-folder.ts';
import type { SyncHarness } from './sync-harness.ts';

export interface ApiOverHarness {
  readonly url: string;
  /** `127.0.0.1:<port>`, as clients name it. */
  readonly host: string;
  /** `data`, of an answer without errors. */
  // the tests know what they asked for
  // oxlint-disable-next-line typescript/no-explicit-any
  graphql(query: string, variables?: object): Promise<any>;
  close(): Promise<void>;
}

/** The API, on a real port, over what a harness syncs. */
export async function openApiOver(harness: SyncHarness): Promise<ApiOverHarness> {
  const { database, client, taskQueue, secrets, store, folder } = harness;
  const api = await createApi({
    database,
    workflows: createWorkflowClient({ client, taskQueue }),
    secrets,
    config: {
      host: '127.0.0.1',
      allowPrivate: true,
      allowUpstream: [],
      temporalUiUrl: undefined,
      temporalNamespace: 'default',
      manifestMaxBytes: 4 * 1024 * 1024,
    },
    blobs: store,
    uploads: await openUploadFolder({ root: folder, blobs: store }),
    signatures: createSignatureChecks(harness),
    checkStore: () => Promise.resolve(),
    logger: pino({ level: 'silent' }),
  });
  await api.listen({ host: '127.0.0.1', port: 0 });
  const host = `127.0.0.1:${(api.server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    async graphql(query, variables = {}) {
      const answer = await fetch(`http://${host}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = (await answer.json()) as { data: unknown; errors?: unknown };
      if (errors !== undefined) throw new Error(JSON.stringify(errors));
      return data;
    },
    close: () => api.close(),
  };
}
