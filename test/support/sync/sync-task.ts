import { Remote } from '../../../src/db/schema/remotes.ts';
import { Repository } from '../../../src/db/schema/repositories.ts';
import type { Database } from '../../../src/db/open-database.ts';
import { createSyncTask } from '../../../src/db/tasks/tasks.ts';

/** A WAITING sync of a repository and a remote of this name, that no workflow works for; its id. */
export async function insertSyncTask(database: Database, name: string): Promise<number> {
  const em = database.em.fork();
  const remote = em.create(Remote, { name, url: 'http://127.0.0.1:5000', upstreamName: name });
  await em.flush();
  const repository = em.create(Repository, { name, remoteId: remote.id });
  await em.flush();
  const { task } = await createSyncTask(database.em.fork(), {
    repositoryId: repository.id,
    remoteId: remote.id,
    arguments: { mirror: true, confirmRemoval: false, dryRun: false },
  });
  return task.id;
}
