import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

const beginning = 'The upstream has no repository ';

/**
 * The warning when all exact tags and the list of tags are 404.
 * @param hint Appended: similar names.
 */
export function absentRepositoryWarning(upstreamName: string, hint: string): string {
  return `${beginning}${JSON.stringify(upstreamName)}: its tags and its list of tags are 404.${hint}`;
}

/** Whether a row of `task_warning` is this warning. */
export const isAbsentRepository: RawBuilder<boolean> = sql<boolean>`message ^@ ${beginning}`;
