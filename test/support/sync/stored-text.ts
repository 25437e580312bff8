/** What Temporal and the database keep of syncs, as text to search. */
import { expect } from 'vitest';
import type { SyncHarness } from './sync-harness.ts';

/** Histories, memos and search attributes of all runs of a workflow, their payloads in clear text. */
export async function temporalText(harness: SyncHarness, workflowId: string): Promise<string> {
  const parts: string[] = [];
  for await (const run of harness.client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    const handle = harness.client.workflow.getHandle(workflowId, run.runId);
    collectText(await handle.fetchHistory(), parts);
    collectText((await handle.describe()).raw, parts);
  }
  expect(parts.length).toBeGreaterThan(100);
  return parts.join('\n');
}

function collectText(value: unknown, into: string[]): void {
  if (typeof value === 'string') into.push(value);
  else if (value instanceof Uint8Array) into.push(Buffer.from(value).toString('utf8'));
  else if (typeof value === 'object' && value !== null)
    for (const [key, entry] of Object.entries(value)) {
      into.push(key);
      collectText(entry, into);
    }
}

/** Every row of every table, as text; bytes are in hexadecimal there. */
export async function databaseText(harness: SyncHarness): Promise<string> {
  const connection = harness.database.em.fork();
  const tables = await connection.execute<{ name: string }[]>(
    `select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'`,
  );
  expect(tables.length).toBeGreaterThan(15);
  const texts: string[] = [];
  for (const { name } of tables) {
    const rows = await connection.execute<{ line: string }[]>(
      `select row_to_json(t)::text as line from ${name} t`,
    );
    texts.push(name, ...rows.map(({ line }) => line));
  }
  return texts.join('\n');
}
