import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** A warning about one of many things. Equal warnings about several are kept as one, with their names. */
export interface NamedWarning {
  readonly message: string;
  readonly name: string;
  /** The parts of the message that depend on the thing. */
  readonly differs: readonly string[];
}

export type Warning = string | NamedWarning;

const warningsKept = 100;
const namesKept = 1_000;
const namesShown = 10;

interface Entry {
  readonly shape: string;
  readonly message: string;
  readonly names: string[];
}

/** Adds warnings without duplicates. After the first 100, one last warning says that more were dropped. */
export async function addWarnings(em: Em, taskId: number, warnings: readonly Warning[]): Promise<void> {
  if (warnings.length === 0) return;
  const entries = JSON.stringify(groupAlike(warnings));
  const given = sql`(select * from jsonb_to_recordset(${entries}::jsonb) as m(n int, shape text, message text, names text[]))`;
  const kept = sql`(select count(*) from task_warning where task_id = ${taskId})`;
  await em.transactional(async (transaction) => {
    const db = kysely(transaction);
    await sql`select from task where id = ${taskId} for update`.execute(db);
    await sql`
      update task_warning w
      set names = (w.names || array(select name from unnest(m.names) with ordinality as more(name, n)
        where name <> all(w.names) order by n))[1:${sql.lit(namesKept)}]
      from ${given} as m
      where w.task_id = ${taskId} and md5(coalesce(w.shape, w.message)) = md5(m.shape) and not (w.names @> m.names)`.execute(
      db,
    );
    await sql`
      insert into task_warning (task_id, number, message, shape, names)
      select ${taskId}, ${kept} + row_number() over (order by n),
        case when ${kept} + row_number() over (order by n) > ${warningsKept}
          then 'There were more warnings; only the first ' || ${warningsKept}::text || ' are kept.' else message end,
        case when ${kept} + row_number() over (order by n) > ${warningsKept} or shape = message then null else shape end,
        case when ${kept} + row_number() over (order by n) > ${warningsKept} then '{}' else names end
      from (
        select * from ${given} as m
        where not exists (
          select from task_warning w where w.task_id = ${taskId} and md5(coalesce(w.shape, w.message)) = md5(m.shape))
        order by n limit greatest(0, ${warningsKept + 1} - ${kept})
      ) as fresh
      on conflict do nothing`.execute(db);
  });
}

/** Groups equal warnings. PostgreSQL accepts no zero characters, so what differs becomes an ellipsis. */
function groupAlike(warnings: readonly Warning[]): readonly (Entry & { readonly n: number })[] {
  const entries = new Map<string, Entry>();
  for (const warning of warnings) {
    const { message, name, differs } =
      typeof warning === 'string' ? { message: warning, name: undefined, differs: [] } : warning;
    const shape = differs.reduce((text, part) => (part === '' ? text : text.replaceAll(part, '…')), message);
    const entry = entries.get(shape) ?? { shape, message, names: [] };
    if (name !== undefined && entry.names.length < namesKept) entry.names.push(name);
    entries.set(shape, entry);
  }
  return [...entries.values()].map((entry, n) => ({ n, ...entry, names: [...new Set(entry.names)] }));
}

/** The warnings of each task, oldest first. */
export async function readWarnings(em: Em, taskIds: readonly number[]): Promise<string[][]> {
  const found = await sql<{ taskId: number; message: string; names: readonly string[]; count: number }>`
    select task_id as "taskId", message, names[2:${sql.lit(namesShown + 1)}] as names, cardinality(names) as count
    from task_warning where task_id = any(${taskIds}::bigint[])
    order by task_id, number`.execute(kysely(em));
  const byTask = new Map<number, string[]>();
  for (const { taskId, ...warning } of found.rows)
    byTask.set(taskId, [...(byTask.get(taskId) ?? []), describe(warning)]);
  return taskIds.map((id) => byTask.get(id) ?? []);
}

function describe({
  message,
  names,
  count,
}: {
  readonly message: string;
  readonly names: readonly string[];
  readonly count: number;
}): string {
  if (count < 2) return message;
  const others = count - 1;
  const unshown = others - names.length;
  const more = unshown === 0 ? '' : ` and ${unshown} others`;
  const least = count === namesKept ? 'at least ' : '';
  return `${message} The same holds for ${least}${others} more: ${names.join(', ')}${more}.`;
}
