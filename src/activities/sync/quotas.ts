import { dropQuota, noteQuota, readQuota, takeProbe } from '../../db/tasks/request-quotas.ts';
import type { KnownQuota } from '../../db/tasks/request-quotas.ts';
import type { Remote } from '../../db/schema/remotes.ts';
import { TidemarkError } from '../../oci/error.ts';
import type { ManifestQuota } from '../../registry/manifest-quota.ts';
import type { RateLimit } from '../../registry/registry.ts';
import { hostScope } from '../../upstream/clients/host-scope.ts';
import type { ActivityDeps } from '../deps.ts';
import { realTime } from './throttles.ts';

export interface Quotas {
  /** The quota of a remote's account; undefined if the remote reserves nothing. */
  open(remote: Remote): ManifestQuota | undefined;
}

/** Until the next look, where the registry says neither when its window ends nor how long that is. */
const unknownMs = 15 * 60_000;
const shortestMs = 60_000;
/** The longest wait for a quota. A longer one means that a clock was set back. */
const longestMs = 24 * 60 * 60_000;
/** How long a worker believes that nobody has reached the reserve. */
const freshMs = 1_000;
const scopesMost = 1_000;

/** What this worker knows of an account, by its answers. */
interface Known {
  limit?: number | undefined;
  remaining?: number | undefined;
  /** Sent, and not answered yet. */
  inFlight: number;
  /** When `remaining` is too old. */
  untilMs: number;
  /** When the database was last looked at. */
  readAtMs: number;
  isNoted: boolean;
}

type QuotaDeps = Pick<ActivityDeps, 'database' | 'throttleClock'>;

export function createQuotas(deps: QuotaDeps): Quotas {
  const { database, throttleClock: clock = realTime } = deps;
  const scopes = new Map<string, Known>();
  const now = () => performance.now() + clock.aheadMs();
  const em = () => database.em.fork();

  function knownOf(scope: string): Known {
    const known = scopes.get(scope) ?? { inFlight: 0, untilMs: 0, readAtMs: -freshMs, isNoted: false };
    if (scopes.size >= scopesMost && !scopes.has(scope)) scopes.clear();
    scopes.set(scope, known);
    return known;
  }

  return {
    open(remote) {
      const { reserveRequests: reserve } = remote;
      if (reserve == null) return undefined;
      const scope = hostScope(remote);
      const { host } = new URL(remote.url);
      const known = knownOf(scope);

      /** The row that all workers share; undefined: none has reached its reserve. */
      async function readShared(): Promise<KnownQuota | undefined> {
        if (!known.isNoted && now() - known.readAtMs < freshMs) return undefined;
        const found = await readQuota(em(), scope, clock.aheadMs());
        known.readAtMs = now();
        known.isNoted = found !== undefined;
        return found;
      }

      function hasOwnAnswer(): boolean {
        return known.remaining !== undefined && now() < known.untilMs;
      }

      return {
        async admit() {
          if (known.limit !== undefined && known.limit <= reserve)
            throw neverFree(host, reserve, known.limit);
          if (hasOwnAnswer() && (known.remaining ?? 0) - known.inFlight > reserve) {
            known.inFlight += 1;
            return 'admitted';
          }
          const shared = await readShared();
          if (shared !== undefined && shared.remaining <= reserve) {
            if (shared.leftMs > 0 && shared.leftMs < longestMs) throw reserved(host, reserve, shared);
            if (!(await takeProbe(em(), scope, clock.aheadMs())))
              throw reserved(host, reserve, { ...shared, leftMs: shortestMs });
            known.inFlight += 1;
            return 'probe';
          }
          // The answers to the requests in flight will tell how much is left.
          if (hasOwnAnswer() && known.inFlight > 0) throw reserved(host, reserve, inFlightOf(known));
          known.inFlight += 1;
          return 'admitted';
        },

        async settle(limit, isProbe) {
          known.inFlight -= 1;
          const { remaining } = limit ?? {};
          if (remaining === undefined) {
            // The registry announces no quota any more.
            if (!isProbe) return;
            known.remaining = undefined;
            await forget();
            return;
          }
          const probeMs = untilNext(limit);
          Object.assign(known, { limit: limit?.limit, remaining, untilMs: now() + probeMs });
          if (remaining <= reserve) {
            known.isNoted = true;
            await noteQuota(em(), scope, { host, remaining, probeMs, aheadMs: clock.aheadMs() });
          } else if (known.isNoted) await forget();
        },
      };

      async function forget(): Promise<void> {
        known.isNoted = false;
        await dropQuota(em(), scope);
      }
    },
  };
}

/** The end of the window, or a sixtieth of one that slides, as Docker Hub's. */
function untilNext({ resetMs, windowMs }: RateLimit = {}): number {
  const nextMs = resetMs ?? (windowMs === undefined ? unknownMs : windowMs / 60);
  return Math.min(longestMs - 1, Math.max(shortestMs, nextMs));
}

function inFlightOf({ remaining = 0, inFlight }: Known): KnownQuota {
  return { remaining: remaining - inFlight, leftMs: freshMs };
}

function reserved(host: string, reserve: number, { remaining, leftMs }: KnownQuota): TidemarkError {
  return new TidemarkError(
    'QUOTA_RESERVED',
    `${host} has ${Math.max(0, remaining)} requests left, and the remote reserves ${reserve} for others. The sync looks again in ` +
      `${Math.ceil(leftMs / 1000)} s. Lower reserveRequests to continue earlier.`,
    { origin: 'server', retryable: true, retryAfterMs: leftMs },
  );
}

function neverFree(host: string, reserve: number, limit: number): TidemarkError {
  return new TidemarkError(
    'QUOTA_TOO_SMALL',
    `The remote reserves ${reserve} requests for others, and ${host} allows ${limit} in a window. Set reserveRequests below ${limit}.`,
    { origin: 'caller' },
  );
}
