import type { Logger } from 'pino';
import type { LoginSettings } from '../access/access.ts';
import type { SecretBox } from '../access/secrets.ts';
import type { BlobStore } from '../content/store.ts';
import type { BlobLocks } from '../db/blob-lock.ts';
import type { Database } from '../db/open-database.ts';
import type { Registry, RegistryOptions } from '../registry/registry.ts';
import type { Limiter } from './limiter.ts';
import type { ThrottleClock } from './throttles.ts';

/** What the activities work with; made once by main.ts. */
export interface ActivityDeps {
  readonly database: Database;
  readonly store: BlobStore;
  readonly secrets: SecretBox;
  readonly blobLocks: BlobLocks;
  readonly openRegistry: (options: RegistryOptions) => Registry;
  /** Requests to upstreams of this worker, all syncs together (`TIDEMARK_WORKER_CONNECTIONS`). */
  readonly connections: Limiter;
  /** Syncs that ask one host at one time, over all workers (`TIDEMARK_SYNCS_PER_HOST`). */
  readonly syncsPerHost: number;
  /** How long a sync waits for a host that answers 429 and not for how long, without any progress (`TIDEMARK_THROTTLE_BUDGET`). */
  readonly throttleBudgetSeconds: number;
  /** Default: real time. */
  readonly throttleClock?: ThrottleClock | undefined;
  readonly manifestMaxBytes: number;
  /** Whether upstreams on loopback and private addresses may be reached (FAULTS.md, head). */
  readonly allowPrivate: boolean;
  /** Hosts, and CIDR ranges, on private addresses that may be upstreams all the same (`TIDEMARK_ALLOW_UPSTREAM`). */
  readonly allowUpstream: readonly string[];
  /** How long content must have been without use before a clean-up removes it (`TIDEMARK_GC_GRACE`). */
  readonly collectionGraceSeconds: number;
  /** Those that the API asks for: whether a sync has the rights of who started it, or nobody is asked. Undefined: the worker was not told. */
  readonly logins: LoginSettings | undefined;
  readonly logger: Logger;
}
