import { randomUUID } from 'node:crypto';
import { unauthenticated } from '../../access/credentials.ts';
import type { Presented } from '../../access/credentials.ts';
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

/** The caller of a request, with the credentials. */
export interface Caller {
  readonly viewer: Viewer;
  readonly presented: Presented;
}

/** The context of resolvers: one per request, and one per event of a subscription. */
export interface RequestContext {
  readonly api: ApiDependencies;
  readonly em: Em;
  /** The present rights: a subscription reads them again before each event. */
  viewer: Viewer;
  readonly presented: Presented;
  /** Loaders that return only what the viewer may see. */
  loaders: Loaders;
  readonly trace: ErrorTrace;
  readonly taskWatch: TaskWatch;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
  /** Aborts when the time for signature checks in one answer is over. It starts with the first check. */
  readonly checkBudget: () => AbortSignal;
  /** Resolves when the client has taken the event; at once if the transport applies back-pressure itself. */
  readonly untilDelivered: () => Promise<void>;
  /** The reason why a subscription ends after its caller's login has expired. */
  loginEnded: TidemarkError | undefined;
  /** The cost of the query, once it is parsed. */
  cost: QueryCost | undefined;
  /** Bytes of documents (`Manifest.raw`) that the answer may still contain. */
  documentBytesLeft: number;
  unpaged: UnpagedBudget;
}

/** Limit per answer: documents have up to 4 MiB each, and a page has up to 100 of them. */
export const documentBytesMax = 16 * 1024 * 1024;

/** Time for checks of unchecked signatures per answer. Verdicts are stored. */
const checkMaxMs = 10_000;

/**
 * Authenticates the caller of the GraphQL API. With logins on, every request needs one.
 * @throws TidemarkError `UNAUTHENTICATED`
 */
export async function identifyCaller(
  { access }: Pick<ApiDependencies, 'access'>,
  presented: Presented,
): Promise<Caller> {
  const viewer = await access.identify(presented);
  if (viewer.kind === 'anonymous') throw unauthenticated('is missing');
  return { viewer, presented };
}

export interface ContextOptions {
  readonly requestId?: string;
  readonly signal?: AbortSignal;
  readonly untilDelivered?: () => Promise<void>;
}

export function createContext(
  api: ApiDependencies,
  taskWatch: TaskWatch,
  { viewer, presented }: Caller,
  options: ContextOptions = {},
): RequestContext {
  const em = api.database.em.fork();
  let budget: AbortSignal | undefined;
  return {
    api,
    em,
    viewer,
    presented,
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

/** Clears the loaders after a mutation and before each event. */
export function forgetReads(context: RequestContext): void {
  context.em.clear();
  context.loaders = createLoaders(context.em, context.viewer);
}
