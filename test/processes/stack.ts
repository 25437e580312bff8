/** A database, a data folder and role processes of their own, on servers that a test may share or kill. */
import { randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { sql } from 'kysely';
import { createSecretBox } from '../../src/access/secrets.ts';
import { createWorkflowClient } from '../../src/api/temporal/workflow-client.ts';
import { Task } from '../../src/db/schema/tasks.ts';
import type { SyncArguments } from '../../src/db/schema/tasks.ts';
import { migrateDatabase, openDatabase } from '../../src/db/open-database.ts';
import { kysely } from '../../src/db/sql.ts';
import { createSyncTask } from '../../src/db/tasks/tasks.ts';
import { createTestDatabase, testServers } from '../support/servers/servers.ts';
import { expectNoSecretIn } from '../support/test-secret.ts';
import { insertMirror } from '../support/sync/insert-mirror.ts';
import type { NewRemote } from '../support/sync/insert-mirror.ts';
import { until } from '../support/until.ts';
import { launch } from '../support/program/program.ts';
import type { Program } from '../support/program/program.ts';

export interface StackOptions {
  /** Default: a new database on the run's server. */
  readonly databaseUrl?: string;
  /** Default: the run's server. */
  readonly temporalAddress?: string;
  readonly dataDir?: string;
  readonly settings?: Readonly<Record<string, string>>;
}

export type Stack = Awaited<ReturnType<typeof openStack>>;

export interface Ids {
  readonly repositoryId: number;
  readonly remoteId: number;
}

const finalStates = ['COMPLETED', 'FAILED', 'CANCELED'];

export async function openStack(options: StackOptions = {}) {
  const testDatabase = options.databaseUrl === undefined ? await createTestDatabase() : undefined;
  const databaseUrl = options.databaseUrl ?? testDatabase?.url ?? '';
  const database = await openDatabase({ url: databaseUrl, poolSize: 4 });
  if (testDatabase === undefined) await migrateDatabase(database);
  // workflow ids hold repository ids, and all tests share one Temporal
  await database.em.execute(`alter table repository alter column id restart with ${randomInt(1, 2 ** 40)}`);
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'tidemark-stack-')));
  const key = randomBytes(32);
  const taskQueue = `stack-${randomBytes(6).toString('hex')}`;
  const temporalAddress = options.temporalAddress ?? testServers().temporalAddress;
  const connection = Connection.lazy({ address: temporalAddress });
  const client = new Client({ connection });
  const workflows = createWorkflowClient({ client, taskQueue });
  const settings = {
    LOG_LEVEL: 'info',
    TIDEMARK_DATA: dataDir,
    TIDEMARK_PORT: '0',
    TIDEMARK_TASK_QUEUE: taskQueue,
    TIDEMARK_SECRET_KEY: key.toString('base64'),
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
    ...options.settings,
  };

  const programs: Program[] = [];

  const stack = {
    database,
    databaseUrl,
    dataDir,
    client,
    taskQueue,
    workflows,
    secrets: createSecretBox([key]),
    settings,
    em: () => database.em.fork(),

    /** Starts the program, with the stack's settings and further ones. */
    run(
      args: readonly string[],
      more: Readonly<Record<string, string>> = {},
      node?: readonly string[],
    ): Program {
      const program = launch(args, { ...settings, ...more }, node);
      programs.push(program);
      return program;
    },

    /** Starts a role and waits until it is ready. */
    async launch(
      role: 'api' | 'worker' | 'serve',
      more: Readonly<Record<string, string>> = {},
      node?: readonly string[],
    ): Promise<Program> {
      const program = stack.run([role], more, node);
      if (role !== 'worker') await program.says('API ready');
      if (role !== 'api') await program.says('Worker ready');
      return program;
    },

    async createRepository(remote: NewRemote): Promise<Ids> {
      const name = `stack/${randomBytes(6).toString('hex')}`;
      const { repositoryId, remoteId } = await insertMirror(stack.em(), name, remote);
      return { repositoryId, remoteId };
    },

    async start(ids: Ids, wish: Partial<SyncArguments> = {}): Promise<Task> {
      const syncArguments = { mirror: false, confirmRemoval: false, dryRun: false, ...wish };
      const { task } = await createSyncTask(stack.em(), { ...ids, arguments: syncArguments });
      const { workflowId } = task;
      await workflows.startSync({ taskId: task.id, workflowId, repositoryName: 'stack' });
      return task;
    },

    read: (task: Pick<Task, 'id'>): Promise<Task> => stack.em().findOneOrFail(Task, { id: task.id }),

    /** Waits until the task is final. */
    async finish(task: Pick<Task, 'id'>): Promise<Task> {
      await until(async () => finalStates.includes((await stack.read(task)).state));
      return stack.read(task);
    },

    /** What the versions of a repository hold. */
    async versions(repositoryId: number): Promise<VersionContent[]> {
      const rows = await sql<VersionContent>`
        select v.number,
          (select jsonb_object_agg(t.name, m.digest) from tag_membership t join manifest m on m.id = t.manifest_id
            where t.repository_id = v.repository_id and t.added_in <= v.number
              and (t.removed_in is null or t.removed_in > v.number)) as tags,
          (select jsonb_agg(b.digest order by b.digest) from membership c join blob b on b.id = c.content_id
            where c.repository_id = v.repository_id and c.kind = 'blob' and c.added_in <= v.number
              and (c.removed_in is null or c.removed_in > v.number)) as blobs
        from repository_version v where v.repository_id = ${repositoryId} order by v.number`.execute(
        kysely(stack.em()),
      );
      return rows.rows;
    },

    files: (folder: 'partial' | 'blobs/sha256'): Promise<string[]> => readdir(join(dataDir, folder)),
    fileSize: async (folder: 'partial' | 'blobs/sha256', name: string): Promise<number> =>
      (await stat(join(dataDir, folder, name))).size,

    async close(): Promise<void> {
      await Promise.all(programs.map((program) => program.end('SIGKILL')));
      await connection.close();
      await database.close(true);
      await testDatabase?.drop();
      await expectNoSecretIn(dataDir);
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return stack;
}

export interface VersionContent {
  readonly number: number;
  readonly tags: Record<string, string>;
  readonly blobs: readonly string[];
}
