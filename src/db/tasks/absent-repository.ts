import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

const beginning = 'The upstream has no repository ';

/** The warning of a sync of exact tags whose manifests and list are all 404. @param hint Appended: names close to it. */
export function absentRepositoryWarning(upstreamName: string, hint: string): string {
  return `${beginning}${JSON.stringify(upstreamName)}: its tags and its list of tags are 404.${hint}`;
}

/** Whether a row of `task_warning` is one. */
export const isAbsentRepository: RawBuilder<boolean> = sql<boolean>`message ^@ ${beginning}`;
