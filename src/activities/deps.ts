import type { Logger } from 'pino';
import type { LoginSettings } from '../access/access.ts';
import type { ContentDeleter, ContentStore, LimitedStore, StoreInventory } from '../content/store.ts';
import type { BlobLocks } from '../db/content/blob-lock.ts';
import type { Registry, RegistryOptions } from '../registry/registry.ts';
import type { UpstreamDeps } from '../upstream/deps.ts';

/** How time passes while a host is throttled. Tests have one of their own. */
export interface ThrottleClock {
  /** How far time is ahead of the clocks of this machine and of the database. */
  readonly aheadMs: () => number;
  /** The real time to wait. */
  readonly delayMs: (waitMs: number) => number;
}

/** What the activities work with; made once by main.ts. */
export interface ActivityDeps extends UpstreamDeps {
  readonly store: ContentStore & ContentDeleter & StoreInventory & LimitedStore;
  readonly blobLocks: BlobLocks;
  readonly openRegistry: (options: RegistryOptions) => Registry;
  /** Syncs that ask one host at one time, over all workers (`TIDEMARK_SYNCS_PER_HOST`). */
  readonly syncsPerHost: number;
  /** How long a sync waits for a host that answers 429 and not for how long, without any progress (`TIDEMARK_THROTTLE_BUDGET`). */
  readonly throttleBudgetSeconds: number;
  /** Default: real time. */
  readonly throttleClock?: ThrottleClock | undefined;
  /** How long content must have been without use before a clean-up removes it (`TIDEMARK_GC_GRACE`). */
  readonly collectionGraceSeconds: number;
  /** Those that the API asks for: whether a sync has the rights of who started it, or nobody is asked. Undefined: the worker was not told. */
  readonly logins: LoginSettings | undefined;
  readonly logger: Logger;
}
