import { Remote } from '../../../src/db/schema/remotes.ts';
import { Repository } from '../../../src/db/schema/repositories.ts';
import type { Em } from '../../../src/db/open-database.ts';
import { createSyncTask } from '../../../src/db/tasks/tasks.ts';

export type NewRemote = Partial<Remote> & { readonly url: string; readonly upstreamName: string };

/** A repository and its remote, both of this name. */
export async function insertMirror(em: Em, name: string, remote: NewRemote) {
  const created = em.create(Remote, { name, maxRetries: 1, ...remote });
  await em.flush();
  const repository = em.create(Repository, { name, remoteId: created.id });
  await em.flush();
  return { repository, repositoryId: repository.id, remoteId: created.id };
}

/** A WAITING sync of a new repository of this name, that no workflow works for; its id. */
export async function insertSyncTask(em: Em, name: string): Promise<number> {
  const { repositoryId, remoteId } = await insertMirror(em, name, {
    url: 'http://127.0.0.1:5000',
    upstreamName: name,
  });
  const { task } = await createSyncTask(em.fork(), {
    repositoryId,
    remoteId,
    arguments: { mirror: true, confirmRemoval: false, dryRun: false },
  });
  return task.id;
}
