import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { selectionOverrides } from '../schema/tasks.ts';

/** Whether a sync has its own selection of tags (`overridesSelection`), of a row of `task` with this alias. */
export function hasOwnSelection(task: 'task' | 't' | 'last'): RawBuilder<boolean> {
  return sql`jsonb_exists_any(coalesce(${sql.ref(`${task}.arguments`)} -> 'overrides', '{}'), ${[...selectionOverrides]}::text[])`;
}
