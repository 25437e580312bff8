import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from '../db/open-database.ts';
import { Remote } from '../db/schema/remotes.ts';
import type { PolicyKey } from '../db/schema/signatures.ts';
import type { TagAnswer, TagProblem } from '../db/schema/tag-checks.ts';
import { claimTagCheck, endTagCheck, failTagCheck } from '../db/tag-checks/tag-checks.ts';
import type { TagKey } from '../db/tag-checks/tag-checks.ts';
import type { Digest } from '../oci/digest.ts';
import { compileSubset } from '../upstream/compile-subset.ts';
import { isOutage, isThrottle } from '../upstream/error-kinds.ts';
import { createLimiters } from '../upstream/limiter.ts';
import type { Limiter } from '../upstream/limiter.ts';
import { createSharedWork } from '../upstream/shared-work.ts';
import type { PullThrough } from './pull-through.ts';
import type { RemoteClients } from './remote-clients.ts';

export interface TagFreshnessDeps {
  readonly database: Database;
  readonly clients: RemoteClients;
  readonly pullThrough: Pick<PullThrough, 'pull'>;
  readonly logger: Pick<Logger, 'warn'>;
  /** How long a client waits for the upstream, in milliseconds. Default: 1,000. */
  readonly tagWaitMs?: number | undefined;
}

/** A stored tag whose time is over. */
export interface StoredTag {
  readonly repositoryId: number;
  readonly remoteId: number;
  readonly tag: string;
  /** The manifest that it has here. */
  readonly digest: Digest;
  readonly ttlSeconds: number;
  readonly policies: readonly PolicyKey[];
}

export interface TagFreshness {
  /** Asks the upstream once for all processes. A tag that has moved is fetched as a new version. Never fails because of the upstream. */
  refresh(tag: StoredTag): Promise<TagAnswer>;
  close(): Promise<void>;
}

const tagWaitMs = 1_000;
/** How long an unanswered question goes on behind the clients. */
const checkMaxMs = 30_000;
/** Questions to one remote that are open at once. An upstream that does not answer holds no others up. */
const checksAtOnce = 32;
/** The longest pause after a failure. A shorter lifetime of tags shortens it. */
const retryMaxSeconds = 30;
/** Pause between two looks at the row of another process. */
const lookMs = 50;

export function createTagFreshness(deps: TagFreshnessDeps): TagFreshness {
  const closing = new AbortController();
  const running = createSharedWork<TagAnswer>();
  const ending = new Set<Promise<unknown>>();
  const limiterOf = createLimiters(checksAtOnce);
  /** Questions that some client has waited for in vain: the next clients do not wait. */
  const late = new Set<string>();

  function begin(key: string, tag: StoredTag): Promise<TagAnswer> {
    const asking = {
      ...deps,
      signal: closing.signal,
      limiter: limiterOf(tag.remoteId),
      isLate: () => late.has(key),
    };
    const answer = settle(asking, tag).finally(() => {
      ending.delete(answer);
      late.delete(key);
    });
    ending.add(answer);
    return answer;
  }

  return {
    async refresh(tag) {
      const { repositoryId, tag: name, digest } = tag;
      const key = `${repositoryId} ${name} ${digest}`;
      if (late.has(key)) return { kind: 'stale', problem: 'SLOW' };
      const budget = AbortSignal.timeout(deps.tagWaitMs ?? tagWaitMs);
      const answer = await running.join(key, () => begin(key, tag), { budget });
      if (answer !== 'out-of-time') return answer;
      if (!late.has(key)) {
        late.add(key);
        await tellLate(deps, { repositoryId, name });
      }
      return { kind: 'stale', problem: 'SLOW' };
    },
    async close() {
      closing.abort();
      await Promise.allSettled(ending);
    },
  };
}

/** Clients of other processes need not wait either. */
async function tellLate({ database }: TagFreshnessDeps, key: TagKey): Promise<void> {
  await failTagCheck(database.em.fork(), key, { problem: 'SLOW' });
}

interface Asking extends TagFreshnessDeps {
  readonly signal: AbortSignal;
  readonly limiter: Limiter;
  /** Whether a client has waited in vain. */
  readonly isLate: () => boolean;
}

/** Asks the upstream, or waits for the process that does. */
async function settle(asking: Asking, tag: StoredTag): Promise<TagAnswer> {
  const { database, signal, isLate } = asking;
  const { repositoryId, tag: name, ttlSeconds } = tag;
  const em = database.em.fork();
  for (;;) {
    signal.throwIfAborted();
    const { state, problem } = await claimTagCheck(em, { repositoryId, name }, ttlSeconds);
    switch (state) {
      case 'claimed':
        if (isLate()) await tellLate(asking, { repositoryId, name });
        return check(asking, tag);
      case 'fresh':
        return problem === null ? { kind: 'changed' } : { kind: 'stale', problem };
      case 'failed':
        return { kind: 'stale', problem: problem ?? 'FAILED' };
      case 'asked':
        await sleep(lookMs, undefined, { signal });
    }
  }
}

async function check(asking: Asking, tag: StoredTag): Promise<TagAnswer> {
  const { database, logger, signal } = asking;
  const { repositoryId, tag: name, ttlSeconds } = tag;
  const key: TagKey = { repositoryId, name };
  const em = database.em.fork();
  try {
    const answer = await ask(asking, tag);
    await endTagCheck(em, key, answer.kind === 'stale' ? answer.problem : null);
    return answer;
  } catch (error) {
    const problem = signal.aborted ? null : problemOf(error);
    const retrySeconds = signal.aborted ? 0 : Math.min(Math.max(ttlSeconds, 1), retryMaxSeconds);
    await failTagCheck(em, key, { problem, retrySeconds });
    if (problem === null) throw error;
    logger.warn({ err: error, repositoryId, tag: name }, 'the upstream could not be asked about a tag');
    return { kind: 'stale', problem };
  }
}

/** @throws TidemarkError the upstream's error */
async function ask(
  { database, clients, pullThrough, limiter, signal: closing }: Asking,
  tag: StoredTag,
): Promise<TagAnswer> {
  const { tag: name, digest: known } = tag;
  const remote = await database.em.fork().findOne(Remote, { id: tag.remoteId });
  if (remote === null) return { kind: 'current' };
  const filter = compileSubset(remote);
  if (!filter.matches(name) || filter.isImmutable?.(name) === true) return { kind: 'current' };
  const { registry, release } = clients.hold(remote);
  try {
    const signal = AbortSignal.any([closing, AbortSignal.timeout(checkMaxMs)]);
    const found = await limiter.run(signal, () => registry.resolve(name, { known, signal }));
    // The tag stays: a sync of a mirror removes tags, with its safeguards against a faulty upstream.
    if (found === undefined) return { kind: 'stale', problem: 'GONE' };
    if (found === 'unchanged' || found.digest === known) return { kind: 'current' };
  } finally {
    release();
  }
  const { kind } = await pullThrough.pull({
    ...tag,
    reference: { tag: name },
    notFoundTtlSeconds: 0,
    replaces: known,
  });
  if (kind === 'kept') return { kind: 'changed' };
  if (kind === 'out-of-time') return { kind: 'stale', problem: 'SLOW' };
  return { kind: 'stale', problem: 'REFUSED' };
}

function problemOf(error: unknown): TagProblem {
  if (isThrottle(error)) return 'THROTTLED';
  const isLate = error instanceof DOMException && error.name === 'TimeoutError';
  return isLate || isOutage(error) ? 'UNREACHABLE' : 'FAILED';
}
