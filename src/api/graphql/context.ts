import { randomUUID } from 'node:crypto';
import { unauthenticated } from '../../access/credentials.ts';
import type { Viewer } from '../../access/viewer.ts';
import type { Em } from '../../db/open-database.ts';
import type { TidemarkError } from '../../oci/error.ts';
import type { ApiDependencies } from '../dependencies.ts';
import type { TaskWatch } from '../task-watch.ts';
import type { ErrorTrace } from './errors.ts';
import type { QueryCost } from './limits.ts';
import { createLoaders } from './loaders.ts';
import type { Loaders } from './loaders.ts';
import { createUnpagedBudget } from './unpaged.ts';
import type { UnpagedBudget } from './unpaged.ts';

/** Who sends a request, and what they showed for it. */
export interface Caller {
  readonly viewer: Viewer;
  readonly authorization: string | undefined;
}

/** What resolvers get: one per request, and one per event of a subscription. */
export interface RequestContext {
  readonly api: ApiDependencies;
  readonly em: Em;
  /** As they are now: a subscription asks again before each event. */
  viewer: Viewer;
  readonly authorization: string | undefined;
  /** They show what the viewer may see. */
  loaders: Loaders;
  readonly trace: ErrorTrace;
  readonly taskWatch: TaskWatch;
  /** Aborted when the client has left. */
  readonly signal: AbortSignal;
  /** Aborted when the time is over that one answer may check signatures for; begun with the first check. */
  readonly checkBudget: () => AbortSignal;
  /** Resolves when the client has taken what was sent; at once where the transport waits by itself. */
  readonly untilDelivered: () => Promise<void>;
  /** Why a subscription ends, once its caller's login does not count any more. */
  loginEnded: TidemarkError | undefined;
  /** What the query costs, once it is parsed. */
  cost: QueryCost | undefined;
  /** How many bytes of documents (`Manifest.raw`) the request may still have. */
  documentBytesLeft: number;
  unpaged: UnpagedBudget;
}

/** Documents are up to 4 MiB each, and a page has up to 100 of them: an answer holds this much at the most. */
export const documentBytesMax = 16 * 1024 * 1024;

/** Signatures that were not checked before are, for so long; verdicts are kept. */
const checkMaxMs = 10_000;

/**
 * Who sends a request to the GraphQL API. Nobody reads or changes anything there without a login, where logins are on.
 * @throws TidemarkError `UNAUTHENTICATED`
 */
export async function identifyCaller(
  { access }: Pick<ApiDependencies, 'access'>,
  authorization: string | undefined,
): Promise<Caller> {
  const viewer = await access.identify(authorization);
  if (viewer.kind === 'anonymous') throw unauthenticated('is missing');
  return { viewer, authorization };
}

export interface ContextOptions {
  readonly requestId?: string;
  readonly signal?: AbortSignal;
  readonly untilDelivered?: () => Promise<void>;
}

export function createContext(
  api: ApiDependencies,
  taskWatch: TaskWatch,
  { viewer, authorization }: Caller,
  options: ContextOptions = {},
): RequestContext {
  const em = api.database.em.fork();
  let budget: AbortSignal | undefined;
  return {
    api,
    em,
    viewer,
    authorization,
    loaders: createLoaders(em, viewer),
    taskWatch,
    trace: createTrace(api, options.requestId),
    signal: options.signal ?? new AbortController().signal,
    checkBudget: () => (budget ??= AbortSignal.timeout(checkMaxMs)),
    untilDelivered: options.untilDelivered ?? (() => Promise.resolve()),
    loginEnded: undefined,
    cost: undefined,
    documentBytesLeft: documentBytesMax,
    unpaged: createUnpagedBudget(),
  };
}

export function createTrace({ logger }: Pick<ApiDependencies, 'logger'>, requestId?: string): ErrorTrace {
  return {
    correlationId: requestId ?? randomUUID(),
    log: (fields, message) => logger.error(fields, message),
  };
}

/** Each event of a subscription is an answer of its own. */
export function beginAnswer(context: RequestContext): void {
  forgetReads(context);
  context.documentBytesLeft = documentBytesMax;
  context.unpaged = createUnpagedBudget();
}

/** Forgets what was read: after a mutation, and before each event. */
export function forgetReads(context: RequestContext): void {
  context.em.clear();
  context.loaders = createLoaders(context.em, context.viewer);
}
