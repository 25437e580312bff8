import { sql } from 'kysely';
import { TidemarkError } from '../../oci/error.ts';
import { isAbsentRepository } from './absent-repository.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

interface Nothing {
  readonly upstreamName: string;
  readonly url: string;
  readonly reasons: readonly string[];
  readonly absent: string | null;
}

/** A first sync without a tag usually has a wrong name or filter. */
export async function nothingSelected(em: Em, taskId: number): Promise<TidemarkError> {
  const found = await sql<Nothing>`
    select task.arguments #>> '{selection,upstreamName}' as "upstreamName", task.arguments #>> '{selection,url}' as url,
      array(select message from task_warning w where w.task_id = task.id and length(message) < 300 order by number limit 2) as reasons,
      (select message from task_warning w where w.task_id = task.id and ${isAbsentRepository} order by number limit 1) as absent
    from task where id = ${taskId}`.execute(kysely(em));
  const { upstreamName, url, reasons, absent } = found.rows[0] ?? {
    upstreamName: '',
    url: '',
    reasons: [],
    absent: null,
  };
  if (absent !== null)
    return new TidemarkError(
      'REPOSITORY_NOT_FOUND',
      `${absent} Check the name of the repository and of the registry (${url}), then sync again.`,
    );
  return new TidemarkError(
    'NOTHING_SELECTED',
    [
      `The sync took no tag of ${upstreamName} at ${url}, and the repository has no version yet.`,
      ...reasons,
      'Check the name, the filters and the signature policy, then sync again.',
    ].join(' '),
  );
}
