/** The one place where tests put the API together: on a port of 127.0.0.1, with its logs kept. */
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { createAccess } from '../../../src/access/access.ts';
import type { LoginSettings } from '../../../src/access/login-settings.ts';
import { startPullCounter } from '../../../src/api/pull-counter.ts';
import { createDockerHubListener } from '../../../src/api/docker-hub-listener.ts';
import { createAccessLog } from '../../../src/api/access-log.ts';
import type { ApiConfig, ApiDependencies, UpstreamReader } from '../../../src/api/dependencies.ts';
import { createApi } from '../../../src/api/server.ts';
import { createSignatureChecks } from '../../../src/upstream/check-signatures.ts';
import { startUp } from '../watch/allow-stalls.ts';
import { expectNoSecret } from '../test-secret.ts';
import { createGraphqlClient } from './graphql-client.ts';
import type { GraphqlClient } from './graphql-client.ts';

export interface ApiParts extends Pick<
  ApiDependencies,
  'database' | 'workflows' | 'secrets' | 'blobs' | 'upstreams' | 'uploads' | 'logger'
> {
  readonly logins: LoginSettings;
  readonly config?: Partial<ApiConfig> | undefined;
  readonly checkStore?: (() => Promise<void>) | undefined;
}

export interface ListeningApi extends GraphqlClient {
  readonly url: string;
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** The port for Docker Hub; with `config.dockerHub` only. */
  readonly dockerHubUrl: string;
  /** Each address that is served, with its method: `GET /healthz`. */
  readonly routes: readonly string[];
  /** The lines of the access log so far. */
  readonly accessed: () => Record<string, unknown>[];
  close(): Promise<void>;
}

export const manifestMaxBytes = 4 * 1024 * 1024;

/** For tests that fetch nothing on demand. */
export const noUpstreams: UpstreamReader = {
  openBlob: () => Promise.reject(new Error('This test has no upstream.')),
  pullManifest: () => Promise.reject(new Error('This test has no upstream.')),
  refreshTag: () => Promise.reject(new Error('This test has no upstream.')),
  makeProxied: () => Promise.reject(new Error('This test has no upstream.')),
  trimCaches: () => undefined,
  testRemote: () => Promise.resolve({ steps: [] }),
};

/** A log that is kept, and searched for secrets by the caller. */
export function keepLog() {
  const lines: string[] = [];
  return {
    logger: pino({ level: 'trace' }, { write: (line) => void lines.push(line) }),
    logged: () => lines.join(''),
  };
}

export async function listenApi({ logins, config, checkStore, ...parts }: ApiParts): Promise<ListeningApi> {
  const { database, secrets, blobs } = parts;
  const accessLines: string[] = [];
  const pulls = startPullCounter({
    database,
    logger: parts.logger,
    everyMs: 100,
    onCached: (repositoryIds) => parts.upstreams.trimCaches(repositoryIds),
  });
  const app = await startUp(() =>
    createApi({
      ...parts,
      access: createAccess({ database, secrets, logins }),
      config: {
        host: '127.0.0.1',
        allowPrivate: true,
        allowUpstream: [],
        temporalUiUrl: undefined,
        temporalNamespace: 'default',
        version: '0.0.0-test',
        manifestMaxBytes,
        ...config,
      },
      pulls,
      signatures: createSignatureChecks({ database, store: blobs }),
      checkStore: checkStore ?? (() => Promise.resolve()),
      accessLog: createAccessLog({ write: (line) => void accessLines.push(line) }),
    }),
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  const host = `127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const url = `http://${host}`;
  const dockerHub = createDockerHubListener(app);
  const dockerHubUrl =
    config?.dockerHub === undefined ? '' : await dockerHub.listen({ host: '127.0.0.1', port: 0 });
  return {
    ...createGraphqlClient(() => url),
    url,
    host,
    dockerHubUrl,
    routes: listRoutes(app.printRoutes({ commonPrefix: false })),
    accessed: () => accessLines.map((line) => JSON.parse(line) as Record<string, unknown>),
    async close() {
      await dockerHub.close();
      await app.close();
      await pulls.close();
      expectNoSecret(accessLines.join(''), 'the access log');
    },
  };
}

/** Fastify's tree of routes, a line each, as addresses with their methods. */
function listRoutes(tree: string): string[] {
  const parents: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods = ''] = /^([│ ├└─]*)(\S+) \(([A-Z, ]+)\)/u.exec(line) ?? [];
    if (part === '') return [];
    const depth = indent.length / 4;
    parents.splice(depth - 1, Infinity, part);
    const path = parents.join('').replace(/^\/+/, '/');
    return methods.split(', ').map((method) => `${method} ${path}`);
  });
}
