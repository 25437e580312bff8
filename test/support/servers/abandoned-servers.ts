/** Ends the servers that run on a data folder, whoever started them. */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { readPostmaster } from '../../../src/embedded/postgres-cluster.ts';
import { processesWithArgument, workingDirectory } from '../../../src/embedded/process-info.ts';
import { endProcess } from '../../../src/embedded/server-process.ts';

export async function stopAbandonedServers(dataDir: string): Promise<void> {
  const folder = await realpath(dataDir).catch(() => dataDir);
  const cluster = join(folder, 'postgres', 'cluster');
  const postmaster = await readPostmaster(cluster);
  if (postmaster !== undefined && (await workingDirectory(postmaster.pid)) === cluster) {
    await endProcess(postmaster.pid, [
      { signal: 'SIGQUIT', waitMs: 5_000 },
      { signal: 'SIGKILL', waitMs: 5_000 },
    ]);
  }
  for (const { pid } of await processesWithArgument(join(folder, 'temporal', 'temporal.db'))) {
    await endProcess(pid, [{ signal: 'SIGKILL', waitMs: 5_000 }]);
  }
}
