import type { Logger } from 'pino';
import type { LoginSettings } from '../access/login-settings.ts';
import type { ContentDeleter, ContentStore, LimitedStore, StoreInventory } from '../content/store.ts';
import type { BlobLocks } from '../db/content/blob-lock.ts';
import type { Registry, RegistryOptions } from '../registry/registry.ts';
import type { UpstreamDeps } from '../upstream/deps.ts';

/** How time passes while a sync waits for a host or for a window. Tests have one of their own. */
export interface ThrottleClock {
  /** How far time is ahead of the clocks of this machine and of the database. */
  readonly aheadMs: () => number;
  /** The real time to wait. */
  readonly delayMs: (waitMs: number) => number;
}

/** Input of every activity that works for a task. */
export interface TaskInput {
  readonly taskId: number;
}

/** What the activities work with. main.ts creates it once. */
export interface ActivityDeps extends UpstreamDeps {
  readonly store: ContentStore & ContentDeleter & StoreInventory & LimitedStore;
  readonly blobLocks: BlobLocks;
  readonly openRegistry: (options: RegistryOptions) => Registry;
  /** Maximum of concurrent syncs of one host, over all workers (`TIDEMARK_SYNCS_PER_HOST`). */
  readonly syncsPerHost: number;
  /** How long a sync without progress waits for a host that answers 429 without a time (`TIDEMARK_THROTTLE_BUDGET`). */
  readonly throttleBudgetSeconds: number;
  /** Default: real time. */
  readonly throttleClock?: ThrottleClock | undefined;
  /** Grace period of garbage collection (`TIDEMARK_GC_GRACE`). */
  readonly collectionGraceSeconds: number;
  /** The API's login settings: with logins on, a sync has the rights of its starter. Undefined: read from the database. */
  readonly logins: LoginSettings | undefined;
  /** Where people reach the web console (`TIDEMARK_PUBLIC_URL`). */
  readonly publicUrl?: string | undefined;
  readonly logger: Logger;
}
