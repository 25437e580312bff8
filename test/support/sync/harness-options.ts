/** What a harness of syncs is opened with, and what a sync ends in. */
import type { LoginSettings } from '../../../src/access/login-settings.ts';
import type { CredentialSettings } from '../../../src/access/credentials/provider.ts';
import type { Task } from '../../../src/db/schema/tasks.ts';
import type { VersionCounts } from '../../../src/db/schema/versions.ts';
import type { ThrottleClock } from '../../../src/activities/deps.ts';
import type { TaskCounts } from '../../../src/db/tasks/tasks.ts';
import type { HostRates } from '../../../src/upstream/bandwidth.ts';

export interface SyncHarnessOptions {
  readonly workerConnections?: number;
  readonly syncsPerHost?: number;
  readonly throttleBudgetSeconds?: number;
  readonly throttleClock?: ThrottleClock;
  readonly hostRates?: HostRates;
  readonly quotaBytes?: number;
  readonly manifestMaxBytes?: number;
  /** Of a clean-up; default none. */
  readonly graceSeconds?: number;
  /** Default: none. */
  readonly logins?: LoginSettings;
  /** Of the worker and of the API; default: none. */
  readonly credentialSettings?: CredentialSettings;
}
/** What a sync ended in. */
export interface SyncOutcome {
  readonly task: Task;
  readonly counts: TaskCounts | undefined;
  readonly warnings: readonly string[];
  /** Counts of the repository's latest version; undefined before the first. */
  readonly summary: VersionCounts | undefined;
  readonly latest: number;
}
