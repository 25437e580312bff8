import { randomUUID } from 'node:crypto';
import type { Em } from '../../db/open-database.ts';
import type { ApiDependencies } from '../dependencies.ts';
import type { TaskWatch } from '../task-watch.ts';
import type { ErrorTrace } from './errors.ts';
import { createLoaders } from './loaders.ts';
import type { Loaders } from './loaders.ts';

/** What resolvers get: one per request, and one per event of a subscription. */
export interface RequestContext {
  readonly api: ApiDependencies;
  readonly em: Em;
  loaders: Loaders;
  readonly trace: ErrorTrace;
  readonly taskWatch: TaskWatch;
  /** Resolves when the client has taken what was sent; at once where the transport waits by itself. */
  readonly untilDelivered: () => Promise<void>;
  /** How many bytes of documents (`Manifest.raw`) the request may still have. */
  documentBytesLeft: number;
}

/** Documents are up to 4 MiB each, and a page has up to 100 of them: an answer holds this much at the most. */
export const documentBytesMax = 16 * 1024 * 1024;

export function createContext(
  api: ApiDependencies,
  taskWatch: TaskWatch,
  options: { readonly requestId?: string; readonly untilDelivered?: () => Promise<void> } = {},
): RequestContext {
  const em = api.database.em.fork();
  return {
    api,
    em,
    loaders: createLoaders(em),
    taskWatch,
    trace: {
      correlationId: options.requestId ?? randomUUID(),
      log: (fields, message) => api.logger.error(fields, message),
    },
    untilDelivered: options.untilDelivered ?? (() => Promise.resolve()),
    documentBytesLeft: documentBytesMax,
  };
}

/** Forgets what was read: after a mutation, and before each event. */
export function forgetReads(context: RequestContext): void {
  context.em.clear();
  context.loaders = createLoaders(context.em);
}
