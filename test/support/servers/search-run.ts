/**
 * At the end of a run nothing that its PostgreSQL and its Temporal have written may hold a secret that a test used: their files, the logs of
 * both among them, are searched byte by byte, with what dropped databases have left in them.
 */
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { findBytes } from '../../../scripts/find-bytes.mjs';
import type { TestServers } from './servers.ts';
import { secretMarkers } from '../test-secret.ts';

/** Is there, or the search would prove nothing. */
const canary = 'tidemark-test-canary';

/** Writes something to both that the search has to find. */
export async function leaveCanaries({ databaseUrl, temporalAddress }: TestServers): Promise<void> {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  await database.query(`create table canary as select '${canary}' as text`);
  await database.end();
  const connection = await Connection.connect({ address: temporalAddress });
  const { workflow } = new Client({ connection });
  const handle = await workflow.start('none', { taskQueue: 'none', workflowId: 'canary', args: [canary] });
  await handle.terminate();
  await connection.close();
}

/** Of a run whose servers have stopped. @throws where a secret was found, or a canary was not. */
export async function searchRun(dataDir: string): Promise<void> {
  const found = await findBytes(dataDir, [canary, ...secretMarkers]);
  const secrets = secretMarkers.flatMap((text) =>
    (found.get(text) ?? []).map((path) => `"${text}" in ${path}`),
  );
  const canaries = found.get(canary) ?? [];
  for (const server of ['postgres', 'temporal'])
    if (!canaries.some((path) => path.startsWith(join(dataDir, server))))
      throw new Error(`The search for secrets does not find what is in the files of ${server}`);
  if (secrets.length > 0)
    throw new Error(`Secrets that tests used (testSecret) were written:\n${secrets.join('\n')}`);
}
