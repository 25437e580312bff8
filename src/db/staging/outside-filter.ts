import { sql } from 'kysely';
import { parseCompanionTag } from '../../oci/signatures/companion-tag.ts';
import { filterNames } from '../../selection/filter-names.ts';
import type { TagFilter } from '../../selection/tag-filter.ts';
import type { RemoteSelection } from '../schema/remotes.ts';
import type { Em } from '../open-database.ts';
import { readPresentNames } from '../reads/tags/read-tag-facts.ts';
import { kysely } from '../sql.ts';
import { hasOwnSelection } from '../tasks/own-selection.ts';

/* Tags that earlier filters selected and the present ones exclude. */

/** Pages of the excluded tags of the latest version, ordered by name, without companions. */
export async function* readOutside(
  em: Em,
  repositoryId: number,
  filter: Pick<TagFilter, 'matches'>,
): AsyncGenerator<string[]> {
  for await (const names of readPresentNames(em, repositoryId))
    yield await filterNames(names, (name) => parseCompanionTag(name) === undefined && !filter.matches(name));
}

export async function setOutside(em: Em, taskId: number, count: number): Promise<void> {
  await kysely(em).updateTable('task').set({ tags_outside_filter: count }).where('id', '=', taskId).execute();
}

/** The selection of the last sync that used the stored filters of the same remote; undefined before the first. */
export async function readSelectionBefore(
  em: Em,
  sync: { readonly taskId: number; readonly repositoryId: number; readonly remoteId: number },
): Promise<RemoteSelection | undefined> {
  const found = await sql<{ selection: RemoteSelection | null }>`
    select arguments -> 'selection' as selection from task
    where repository_id = ${sync.repositoryId} and remote_id = ${sync.remoteId} and id < ${sync.taskId}
      and name = 'repository.sync' and state = 'COMPLETED' and not (arguments ->> 'dryRun')::boolean
      and not ${hasOwnSelection('task')}
    order by id desc limit 1`.execute(kysely(em));
  return found.rows[0]?.selection ?? undefined;
}
