/** Syncs whose statements and events are counted. */
import { Client, Connection } from '@temporalio/client';
import { findTemporalAddress } from './processes.ts';
import { openStatementLog } from './statement-log.ts';
import type { LoggedStatement } from './statement-log.ts';
import { mutate } from './sync.ts';
import type { Mirror } from './sync.ts';
import type { Tidemark } from './tidemark.ts';

export interface LoggedSync {
  readonly seconds: number;
  readonly statements: readonly LoggedStatement[];
  /** In Temporal. */
  readonly events: number;
}

export interface SyncLog {
  sync(mirror: Pick<Mirror, 'repositoryId'> & { readonly remoteId?: string }): Promise<LoggedSync>;
  close(): Promise<void>;
}

export async function openSyncLog(tidemark: Tidemark): Promise<SyncLog> {
  const statements = await openStatementLog(tidemark.dataDir);
  const connection = await Connection.connect({ address: await findTemporalAddress(tidemark.dataDir) });
  const temporal = new Client({ connection });
  return {
    // waits for Temporal, not for the API: what asks for the task's state would be among the statements
    async sync(mirror) {
      const started = performance.now();
      let seconds = 0;
      let events = 0;
      const logged = await statements.during(async () => {
        const { task } = await mutate<{ task: { workflowId: string } }>(
          tidemark,
          'repositorySync',
          'task { workflowId }',
          mirror,
        );
        const handle = temporal.workflow.getHandle(task.workflowId);
        await handle.result();
        seconds = (performance.now() - started) / 1000;
        events = (await handle.describe()).historyLength;
      });
      return { seconds, statements: logged, events };
    },
    async close() {
      await connection.close();
      await statements.close();
    },
  };
}
