import {
  addAbsence,
  dropAbsence,
  presentMs,
  readCapabilities,
  setPresent,
} from '../../db/tasks/host-capabilities.ts';
import type { KnownCapability } from '../../db/tasks/host-capabilities.ts';
import type { Em } from '../../db/open-database.ts';
import type { Remote } from '../../db/schema/remotes.ts';
import type { HostCapability, HostMemory } from '../../registry/host-memory.ts';
import { hostScope } from '../../upstream/clients/host-scope.ts';
import type { ActivityDeps } from '../deps.ts';

export interface HostMemories {
  /** The memory of a remote's host. `witness` names the sync or look: the answers of one witness confirm nothing. */
  open(remote: Remote, witness: string): HostMemory;
}

/** How long this worker believes a row that it has read. */
const freshMs = 60_000;
const scopesMost = 1_000;
const minuteMs = 60_000;
/** Every sync asks for one manifest's referrers all the same. Nothing is asked while the API of signatures is remembered as absent. */
const absentMs: Readonly<Record<HostCapability, number>> = {
  REFERRERS: 24 * 60 * minuteMs,
  SIGNATURES: 10 * minuteMs,
};

type Known = Pick<KnownCapability, 'verdict' | 'reason'> & { readonly untilMs: number };

interface Scope {
  readonly readAtMs: number;
  readonly known: Map<HostCapability, Known>;
}

export function createHostMemories({
  database,
  logger,
}: Pick<ActivityDeps, 'database' | 'logger'>): HostMemories {
  const scopes = createScopes(() => database.em.fork());
  /** A memory that cannot be read or written must not fail a sync. */
  const attempt = async <T>(host: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      logger.warn({ err: error, host }, 'the memory of what an upstream can do could not be used');
      return undefined;
    }
  };

  return {
    open(remote, witness) {
      const scope = hostScope(remote);
      const { host } = new URL(remote.url);
      const told = new Set<HostCapability>();
      /** The capabilities about which this client got different answers. It is no witness of their absence. */
      const mixed = new Set<HostCapability>();
      return {
        async recall(capability) {
          const known = await attempt(host, () => scopes.read(scope, capability));
          if (known?.verdict === 'ABSENT') return { kind: 'absent', reason: known.reason ?? host };
          return known?.verdict === 'PRESENT' ? { kind: 'present' } : undefined;
        },
        async present(capability) {
          mixed.add(capability);
          await attempt(host, () => scopes.setPresent({ scope, capability, host, witness }));
        },
        async doubt(capability) {
          if (mixed.has(capability)) return;
          mixed.add(capability);
          await attempt(host, () => scopes.drop(scope, capability, told.has(capability)));
        },
        async missing(capability, { objects, reason }) {
          if (mixed.has(capability) || told.has(capability)) return;
          told.add(capability);
          const evidence = {
            scope,
            capability,
            host,
            witness,
            objects,
            reason,
            absentMs: absentMs[capability],
          };
          await attempt(host, () => scopes.add(evidence));
        },
      };
    },
  };
}

/** The rows of the database, as this worker has seen them last. */
function createCache(fork: () => Em) {
  const scopes = new Map<string, Scope>();
  const reading = new Map<string, Promise<Scope>>();

  function keep(scope: string, rows: readonly KnownCapability[]): Scope {
    const now = performance.now();
    const known = new Map(
      rows.map(({ capability, verdict, reason, leftMs }) => [
        capability,
        { verdict, reason, untilMs: now + leftMs },
      ]),
    );
    if (scopes.size >= scopesMost && !scopes.has(scope)) scopes.clear();
    const kept = { readAtMs: now, known };
    scopes.set(scope, kept);
    return kept;
  }

  /** Concurrent callers share one statement. */
  async function load(scope: string): Promise<Scope> {
    const kept = scopes.get(scope);
    if (kept !== undefined && performance.now() - kept.readAtMs < freshMs) return kept;
    const running =
      reading.get(scope) ??
      readCapabilities(fork(), scope)
        .then((rows) => keep(scope, rows))
        .finally(() => reading.delete(scope));
    reading.set(scope, running);
    return running;
  }

  async function read(scope: string, capability: HostCapability): Promise<Known | undefined> {
    const known = (await load(scope)).known.get(capability);
    return known !== undefined && known.untilMs > performance.now() ? known : undefined;
  }

  return {
    read,
    async note(row: KnownCapability | undefined): Promise<void> {
      if (row === undefined) return;
      const { verdict, reason, leftMs } = row;
      const { known } = await load(row.scope);
      known.set(row.capability, { verdict, reason, untilMs: performance.now() + leftMs });
    },
    async forget(scope: string, capability: HostCapability): Promise<void> {
      (await load(scope)).known.delete(capability);
    },
  };
}

/** Writes a row only if the verdict changes. */
function createScopes(fork: () => Em) {
  const cache = createCache(fork);
  return {
    read: cache.read,
    async setPresent(row: Parameters<typeof setPresent>[1]): Promise<void> {
      const known = await cache.read(row.scope, row.capability);
      const isRecent = known !== undefined && known.untilMs - performance.now() > presentMs / 2;
      if (known?.verdict === 'PRESENT' && isRecent) return;
      await cache.note(await setPresent(fork(), row));
    },
    /** @param isOwn Whether this client has added to it. */
    async drop(scope: string, capability: HostCapability, isOwn: boolean): Promise<void> {
      const known = await cache.read(scope, capability);
      if (known?.verdict === 'PRESENT' || (known === undefined && !isOwn)) return;
      await dropAbsence(fork(), { scope, capability });
      await cache.forget(scope, capability);
    },
    async add(evidence: Parameters<typeof addAbsence>[1]): Promise<void> {
      const known = await cache.read(evidence.scope, evidence.capability);
      if (known?.verdict === 'PRESENT' || known?.verdict === 'ABSENT') return;
      await cache.note(await addAbsence(fork(), evidence));
    },
  };
}
