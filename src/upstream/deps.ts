import type { SecretBox } from '../access/secrets.ts';
import type { Database } from '../db/open-database.ts';
import type { Limiter } from './limiter.ts';

/** How upstreams are reached. */
export interface UpstreamDeps {
  readonly database: Database;
  readonly secrets: SecretBox;
  /** Requests of this worker to upstreams, of all syncs together (`TIDEMARK_WORKER_CONNECTIONS`). */
  readonly connections: Limiter;
  readonly manifestMaxBytes: number;
  /** Whether upstreams on loopback and private addresses may be reached. */
  readonly allowPrivate: boolean;
  /** Hosts and CIDR ranges on private addresses that may be upstreams all the same (`TIDEMARK_ALLOW_UPSTREAM`). */
  readonly allowUpstream: readonly string[];
}
