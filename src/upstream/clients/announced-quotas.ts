import { noteAnnouncedQuotas } from '../../db/upstreams/announced-quotas.ts';
import type { AnnouncedQuota } from '../../db/upstreams/announced-quotas.ts';
import type { Em } from '../../db/open-database.ts';
import type { Remote } from '../../db/schema/remotes.ts';
import type { RateLimit } from '../../registry/registry.ts';
import { hostScope } from './host-scope.ts';

/** The quotas that hosts announce in their answers, for people (`Estate.upstreamQuotas`). */
export interface AnnouncedQuotas {
  /** @returns a function that takes the rate limit of each answer to the remote */
  of(remote: Remote, host: string): (limit: RateLimit) => void;
  /** Writes what was not written yet. */
  close(): Promise<void>;
}

/** The quotas of a second are written together. */
const pauseMs = 1_000;
/** How long a quota says something, where the registry tells neither the end of its window nor how long that is. */
const unknownMs = 15 * 60_000;
/** The longest window that is believed. */
const longestMs = 31 * 24 * 60 * 60_000;
const accountsMost = 1_000;

interface Deps {
  readonly em: () => Em;
  /** Called when they could not be written. Only people miss them. */
  readonly onError: (error: unknown) => void;
}

export function createAnnouncedQuotas({ em, onError }: Deps): AnnouncedQuotas {
  const told = new Map<string, AnnouncedQuota>();
  let timer: NodeJS.Timeout | undefined;

  async function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const quotas = [...told.values()];
    told.clear();
    if (quotas.length === 0) return;
    try {
      await noteAnnouncedQuotas(em(), quotas);
    } catch (error) {
      onError(error);
    }
  }

  return {
    of(remote, host) {
      const scope = hostScope(remote);
      const { id: remoteId } = remote;
      return (said) => {
        const key = `${scope} ${remoteId}`;
        if (said.remaining === undefined || (told.size >= accountsMost && !told.has(key))) return;
        told.set(key, { scope, remoteId, host, ...toQuota(said, said.remaining) });
        timer ??= setTimeout(() => void write(), pauseMs).unref();
      };
    },
    close: write,
  };
}

function toQuota({ limit, windowMs, resetMs }: RateLimit, remaining: number) {
  const isKnown = resetMs !== undefined && resetMs <= longestMs;
  return {
    limit,
    remaining,
    windowMs,
    resetMs: isKnown ? resetMs : undefined,
    knownMs: Math.min(longestMs, resetMs ?? windowMs ?? unknownMs),
  };
}
