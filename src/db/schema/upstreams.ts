import { defineEntity, p } from '@mikro-orm/postgresql';
import { count, key } from './columns/columns.ts';

/** Another place of a remote's content, as `Remote.fallbacks` has it. */
export interface Fallback {
  readonly url: string;
  /** Absent: the remote's own. */
  readonly upstreamName?: string;
  readonly credentialId?: number;
  /** Without credentials. */
  readonly proxyUrl?: string;
  readonly sslCaCertificate?: string;
  /** Absent: true. */
  readonly sslValidation?: boolean;
}

/** The column of a remote, or of the remotes that a mirror rule makes. */
export const fallbacksColumn = p
  .json<readonly Fallback[]>()
  .onCreate(() => [])
  .defaultRaw("'[]'");

/** The circuit breaker of a host with the settings that decide who answers. Migration 0013 describes the columns. */
export const HostBreaker = defineEntity({
  name: 'HostBreaker',
  properties: {
    scope: p.text().primary(),
    host: p.text(),
    failures: p.integer(),
    step: count,
    reason: p.text(),
    failedAt: p.datetime(),
    openUntil: p.datetime().nullable(),
    probeUntil: p.datetime().nullable(),
  },
});

/** An upstream of a task, with what it has delivered. */
export const TaskUpstream = defineEntity({
  name: 'TaskUpstream',
  properties: {
    taskId: key,
    url: p.text().primary(),
    upstreamName: p.text().primary(),
    position: p.integer(),
    hasList: p.boolean().default(false),
    manifests: count,
    blobs: count,
    bytes: p.bigint('number').default(0),
  },
});

export const upstreamsTables = [HostBreaker, TaskUpstream];
