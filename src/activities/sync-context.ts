import { setTimeout as sleep } from 'node:timers/promises';
import { Remote, Task } from '../db/entities.ts';
import type { RemoteSelection, SyncArguments } from '../db/entities.ts';
import type { SubsetFilter } from '../db/stage-tags.ts';
import { takeRequestSlot } from '../db/rate-budget.ts';
import { countRateLimited } from '../db/tasks.ts';
import { isListedHost } from '../oci/address.ts';
import { TidemarkError } from '../oci/error.ts';
import { compileTagFilter } from '../oci/tag-filter.ts';
import type { Registry, RegistryOptions } from '../registry/registry.ts';
import type { ActivityDeps } from './deps.ts';

/** What the activities of one sync share: its arguments, its filter, and the client of its upstream. */
export interface SyncContext {
  readonly taskId: number;
  readonly repositoryId: number;
  readonly arguments: SyncArguments;
  /** As it is now. */
  readonly remote: Remote;
  /** As it was when the sync began. */
  readonly selection: RemoteSelection;
  readonly filter: SubsetFilter;
  readonly registry: Registry;
}

export interface SyncContexts {
  /**
   * Loads the sync of a task. Its client, with its tokens and connections, serves all activities of the task on this worker, until the
   * remote is changed or nothing has used it for a minute. A changed password, certificate or limit counts from the next activity on; the
   * filters are those that the sync began with.
   * @throws TidemarkError `REMOTE_CHANGED` when the remote names another upstream now.
   */
  use<T>(taskId: number, work: (context: SyncContext) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface OpenClient {
  readonly registry: Registry;
  readonly remoteVersion: number;
  users: number;
  idleSince: number;
}

const idleMs = 60_000;

export function createSyncContexts(deps: ActivityDeps): SyncContexts {
  const clients = new Map<number, OpenClient>();
  const sweep = setInterval(() => void closeIdle(performance.now() - idleMs), idleMs / 4);
  sweep.unref();

  async function closeIdle(before: number): Promise<void> {
    for (const [taskId, client] of clients) {
      if (client.users > 0 || client.idleSince > before) continue;
      clients.delete(taskId);
      await client.registry.close();
    }
  }

  function openClient(task: Task, remote: Remote): OpenClient {
    const known = clients.get(task.id);
    const remoteVersion = remote.updatedAt.getTime();
    if (known && known.remoteVersion === remoteVersion) return known;
    const registry = deps.openRegistry(registryOptions(deps, task, remote));
    const client = { registry, remoteVersion, users: 0, idleSince: performance.now() };
    clients.set(task.id, client);
    // those that still use the client of the remote as it was end with what they have
    if (known?.users === 0) void known.registry.close();
    return client;
  }

  return {
    async use(taskId, work) {
      const em = deps.database.em.fork();
      const task = await em.findOne(Task, { id: taskId });
      const remote = task?.remoteId == null ? null : await em.findOne(Remote, { id: task.remoteId });
      if (task?.repositoryId == null || remote === null)
        throw new TidemarkError(
          'NOT_FOUND',
          `Task ${taskId}, its repository or its remote is not there any more.`,
          {
            origin: 'server',
          },
        );
      const selection = task.arguments.selection ?? remote;
      if (selection.url !== remote.url || selection.upstreamName !== remote.upstreamName)
        throw remoteChanged(remote, selection);
      const client = openClient(task, remote);
      client.users += 1;
      try {
        return await work({
          taskId,
          repositoryId: task.repositoryId,
          arguments: task.arguments,
          remote,
          selection,
          filter: compileSubset(selection),
          registry: client.registry,
        });
      } finally {
        client.users -= 1;
        client.idleSince = performance.now();
      }
    },
    async close() {
      clearInterval(sweep);
      await closeIdle(Number.POSITIVE_INFINITY);
    },
  };
}

/** Its credentials are not those of the upstream that the sync began with, and one version must not come from two. */
function remoteChanged(remote: Remote, { url, upstreamName }: RemoteSelection): TidemarkError {
  return new TidemarkError(
    'REMOTE_CHANGED',
    `The sync began with ${upstreamName} at ${url}; the remote names ${remote.upstreamName} at ${remote.url} now. ` +
      'Nothing was changed; sync again.',
    { origin: 'caller' },
  );
}

function compileSubset(selection: RemoteSelection): SubsetFilter {
  const filter = compileTagFilter(selection);
  const includesAll = (selection.includeTags ?? []).length === 0;
  const excluded = new Set<string>(selection.excludeTags ?? []);
  return {
    ...filter,
    holdsDigest: (digest) => (includesAll && !excluded.has(digest)) || filter.digests.includes(digest),
  };
}

function registryOptions(deps: ActivityDeps, task: Task, remote: Remote): RegistryOptions {
  // both the API that took the sync and this worker have to be of that mind
  const mayBePrivate = deps.allowPrivate && (task.arguments.allowPrivate ?? true);
  const open = (sealed: string | null | undefined, column: string) =>
    sealed == null ? undefined : deps.secrets.decrypt(sealed, `remote:${remote.id}:${column}`);
  const headers = open(remote.headersSealed, 'headers');
  const { rateLimit } = remote;
  return dropUndefined({
    url: remote.url,
    upstreamName: remote.upstreamName,
    username: remote.username ?? undefined,
    password: open(remote.passwordSealed, 'password'),
    realmHosts: remote.realmHosts,
    headers: headers === undefined ? undefined : (JSON.parse(headers) as Record<string, string>),
    tls: dropUndefined({
      ca: remote.sslCaCertificate ?? undefined,
      cert: remote.sslClientCertificate ?? undefined,
      key: open(remote.sslClientKeySealed, 'ssl_client_key'),
      rejectUnauthorized: remote.sslValidation,
    }),
    proxyUrl: open(remote.proxyUrlSealed, 'proxy_url') ?? remote.proxyUrl ?? undefined,
    totalTimeoutMs: milliseconds(remote.totalTimeout),
    connectTimeoutMs: milliseconds(remote.connectTimeout),
    sockReadTimeoutMs: milliseconds(remote.sockReadTimeout),
    maxRetries: remote.maxRetries,
    manifestMaxBytes: deps.manifestMaxBytes,
    allowPrivate: mayBePrivate || isListedHost(new URL(remote.url), deps.allowUpstream),
    allowAddresses: deps.allowUpstream,
    beforeRequest:
      rateLimit == null
        ? undefined
        : async (signal?: AbortSignal) => {
            const waitMs = await takeRequestSlot(deps.database.em.fork(), remote.id, rateLimit);
            if (waitMs > 0) await sleep(waitMs, undefined, signal ? { signal } : {});
          },
    onRateLimited: () => {
      // a count that is lost with the database's connection is no reason to fail a sync
      void countRateLimited(deps.database.em.fork(), task.id, 1).catch((error: unknown) =>
        deps.logger.warn({ err: error, taskId: task.id }, 'could not count a rate-limit answer'),
      );
    },
  });
}

function milliseconds(seconds: number | null | undefined): number | undefined {
  return seconds == null ? undefined : Math.round(seconds * 1000);
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Leaves out what is undefined, as exactOptionalPropertyTypes wants it. */
function dropUndefined<T extends object>(value: T): Partial<Defined<T>> & Pick<Defined<T>, RequiredKeys<T>> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Partial<
    Defined<T>
  > &
    Pick<Defined<T>, RequiredKeys<T>>;
}

type RequiredKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? never : K }[keyof T];
