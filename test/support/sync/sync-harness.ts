/** A real sync for tests: a database, a blob folder and a worker of their own, on the run's PostgreSQL and Temporal. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { randomBytes, randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { inject } from 'vitest';
import { noLogins } from '../../../src/access/login-settings.ts';
import { createCredentials } from '../../../src/access/credentials/credentials.ts';
import { noCredentialSettings } from '../../../src/access/credentials/provider.ts';
import { createSecretBox } from '../../../src/access/secrets.ts';
import { openFolderStore } from '../../../src/content/folder/folder-store.ts';
import { createOwnDistribution } from '../../../src/db/distributions/distributions.ts';
import { Remote } from '../../../src/db/schema/remotes.ts';
import { Repository } from '../../../src/db/schema/repositories.ts';
import { RepositoryVersion } from '../../../src/db/schema/versions.ts';
import { Task } from '../../../src/db/schema/tasks.ts';
import type { SyncArguments } from '../../../src/db/schema/tasks.ts';
import type { Identity } from '../../../src/db/schema/columns/identity.ts';
import { openDatabase } from '../../../src/db/open-database.ts';
import type { Database, Em } from '../../../src/db/open-database.ts';
import { readWarnings } from '../../../src/db/tasks/task-warnings.ts';
import { createSyncTask, readTaskCounts } from '../../../src/db/tasks/tasks.ts';
import { installTemporalRuntime, startWorker } from '../../../src/processes/worker-role.ts';
import type { RunningWorker, WorkerRoleOptions } from '../../../src/processes/worker-role.ts';
import { createUpkeepTask } from '../../../src/db/tasks/upkeep-tasks.ts';
import type { UpkeepName } from '../../../src/db/tasks/upkeep-tasks.ts';
import { syncWorkflowType } from '../../../src/workflows/sync-input.ts';
import { taskWorkflowTypes } from '../../../src/workflows/upkeep-input.ts';
import { createBandwidth } from '../../../src/upstream/bandwidth.ts';
import { insertMirror } from './insert-mirror.ts';
import type { NewRemote } from './insert-mirror.ts';
import { readContent, readTags } from './read-version.ts';
import { createTestDatabase, testServers } from '../servers/servers.ts';
import { createWatchedLogger, expectNoSecretIn } from '../test-secret.ts';
import type { SyncHarnessOptions, SyncOutcome } from './harness-options.ts';

export type SyncHarness = Awaited<ReturnType<typeof startSyncHarness>>;
/** Temporal's runtime has one logger, so all harnesses of a process share it: each line names its task queue. */
const log = createWatchedLogger();
installTemporalRuntime(log.logger);
export async function startSyncHarness(options: SyncHarnessOptions = {}) {
  const testDatabase = await createTestDatabase();
  const database = await openDatabase({ url: testDatabase.url });
  await separateIds(database);
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-sync-'));
  const store = await openFolderStore({
    root: folder,
    fsync: false,
    ...(options.quotaBytes === undefined ? {} : { quotaBytes: options.quotaBytes }),
  });
  const secrets = createSecretBox([randomBytes(32)]);
  const credentials = createCredentials({
    database,
    secrets,
    settings: options.credentialSettings ?? noCredentialSettings,
  });
  const { temporalAddress } = testServers();
  const taskQueue = `test-${randomBytes(6).toString('hex')}`;
  const connection = await Connection.connect({ address: temporalAddress });
  const client = new Client({ connection });
  const native = await NativeConnection.connect({ address: temporalAddress });
  const activityOptions = {
    syncsPerHost: options.syncsPerHost ?? 10,
    throttleBudgetSeconds: options.throttleBudgetSeconds ?? 7_200,
    manifestMaxBytes: options.manifestMaxBytes ?? 4 * 1024 * 1024,
    allowPrivate: true,
    allowUpstream: [],
    collectionGraceSeconds: options.graceSeconds ?? 0,
    logins: options.logins ?? noLogins,
    bandwidth: createBandwidth(database, options.hostRates ?? new Map()),
    logger: log.logger.child({ taskQueue }),
  };
  const launch = (change?: Pick<WorkerRoleOptions, 'logins'>) =>
    startWorker({
      database,
      databaseUrl: testDatabase.url,
      store,
      secrets,
      credentials,
      connection: native,
      namespace: 'default',
      taskQueue,
      workflowBundle: { codePath: inject('workflowBundle') },
      workerConnections: options.workerConnections ?? 64,
      ...activityOptions,
      throttleClock: options.throttleClock,
      ...change,
    });
  let worker: RunningWorker = await launch();

  const harness = {
    database,
    databaseUrl: testDatabase.url,
    store,
    folder,
    secrets,
    credentials,
    client,
    taskQueue,
    /** What was logged at info and above, and holds the text. */
    logged: (text: string) => log.lines(text).filter((line) => line['taskQueue'] === taskQueue),
    /** Of the worker, for what runs activities without one. */
    activityOptions,
    em: (): Em => database.em.fork(),

    /** Creates a repository and a remote of the same random name. */
    async createRepository(remote: NewRemote, name?: string) {
      const em = harness.em();
      const unique = name ?? `repository/${randomBytes(6).toString('hex')}`;
      const { repository, repositoryId, remoteId } = await insertMirror(em, unique, remote);
      await createOwnDistribution(em, repository);
      return { repositoryId, remoteId, name: unique };
    },

    async updateRemote(remoteId: number, change: Partial<Remote>): Promise<void> {
      const em = harness.em();
      em.assign(await em.findOneOrFail(Remote, { id: remoteId }), change);
      await em.flush();
    },

    /** Starts a sync and answers its task's id. */
    async start(
      ids: { repositoryId: number; remoteId: number },
      wish: Partial<SyncArguments> = {},
      startedBy: Identity | null = null,
    ): Promise<Task> {
      const syncArguments = { mirror: false, confirmRemoval: false, dryRun: false, ...wish };
      const { task } = await createSyncTask(harness.em(), { ...ids, arguments: syncArguments, startedBy });
      await client.workflow.start(syncWorkflowType, {
        taskQueue,
        workflowId: task.workflowId,
        args: [{ taskId: task.id, repositoryName: 'test' }],
      });
      return task;
    },

    /** Waits for the end of a task, whatever it is. */
    async finish(task: Task): Promise<SyncOutcome> {
      await client.workflow
        .getHandle(task.workflowId)
        .result()
        .catch(() => undefined);
      return harness.read(task.id);
    },

    async sync(
      ids: { repositoryId: number; remoteId: number },
      wish: Partial<SyncArguments> = {},
      startedBy: Identity | null = null,
    ): Promise<SyncOutcome> {
      return harness.finish(await harness.start(ids, wish, startedBy));
    },

    /** Runs a clean-up or a verification to its end. */
    async upkeep(name: UpkeepName, wish: { readonly dryRun?: boolean } = {}): Promise<Task> {
      const { task } = await createUpkeepTask(harness.em(), {
        name,
        arguments: { dryRun: wish.dryRun ?? false },
        // all tests share one Temporal
        workflowId: `${taskQueue}/${name}`,
      });
      await client.workflow
        .execute(taskWorkflowTypes.get(name) ?? '', {
          taskQueue,
          workflowId: task.workflowId,
          args: [{ taskId: task.id }],
        })
        .catch(() => undefined);
      return harness.em().findOneOrFail(Task, { id: task.id });
    },

    async read(taskId: number): Promise<SyncOutcome> {
      const em = harness.em();
      const task = await em.findOneOrFail(Task, { id: taskId });
      const [warnings = []] = await readWarnings(em, [taskId]);
      const repositoryId = task.repositoryId ?? 0;
      const repository = await em.findOneOrFail(Repository, { id: repositoryId });
      const version = await em.findOne(RepositoryVersion, { repositoryId, number: repository.latest });
      return {
        task,
        counts: (await readTaskCounts(em, [taskId])).get(taskId),
        warnings,
        summary: version?.counts,
        latest: repository.latest,
      };
    },

    /** Tags of a version, by name: the digest. */
    tags: (repositoryId: number, version: number) => readTags(harness.em(), repositoryId, version),

    /** Digests of the manifests or blobs of a version, sorted. */
    content: (repositoryId: number, version: number, kind: 'manifest' | 'blob') =>
      readContent(harness.em(), { repositoryId, version }, kind),

    storedFiles: (): Promise<string[]> => readdir(join(folder, 'blobs', 'sha256')),
    partialFiles: (): Promise<string[]> => readdir(join(folder, 'partial')),

    async stopWorker(): Promise<void> {
      await worker.stop();
    },

    /** @param change What the new one is started with instead. */
    async restartWorker(change?: Pick<WorkerRoleOptions, 'logins'>): Promise<void> {
      worker = await launch(change);
    },

    async close(): Promise<void> {
      await worker.stop();
      await native.close();
      await connection.close();
      await database.close();
      await testDatabase.drop();
      await expectNoSecretIn(folder);
      await rm(folder, { recursive: true, force: true });
      log.expectNoSecret();
    },
  };
  return harness;
}
/** Workflow ids hold repository ids, and all tests share one Temporal: each database counts from a place of its own. */
async function separateIds(database: Database): Promise<void> {
  const start = randomInt(1, 2 ** 40);
  await database.em.execute(`alter table repository alter column id restart with ${start}`);
  await database.em.execute(`alter table mirror_rule alter column id restart with ${start}`);
}
