import type { Credentials } from '../access/credentials/credentials.ts';
import type { SecretBox } from '../access/secrets.ts';
import type { Database } from '../db/open-database.ts';
import type { Bandwidth } from './bandwidth.ts';
import type { Limiter } from './limiter.ts';

export interface UpstreamDeps {
  readonly database: Database;
  readonly secrets: SecretBox;
  /** Of remotes that name a credential. */
  readonly credentials: Credentials;
  /** Concurrent requests of this process to all upstreams (`TIDEMARK_WORKER_CONNECTIONS`). */
  readonly connections: Limiter;
  readonly bandwidth: Bandwidth;
  readonly manifestMaxBytes: number;
  /** Whether upstreams may have loopback and private addresses. */
  readonly allowPrivate: boolean;
  /** Private hosts and CIDR ranges that may be upstreams all the same (`TIDEMARK_ALLOW_UPSTREAM`). */
  readonly allowUpstream: readonly string[];
}
