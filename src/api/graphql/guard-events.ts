import { isTidemarkError } from '../../oci/error.ts';
import { forgetReads, identifyCaller } from './context.ts';
import type { RequestContext } from './context.ts';

/** How often it is asked whether a caller who gets no events still may have some. */
const askEveryMs = 30_000;

/**
 * The events of a subscription while its caller may have them (fault 92): before each it is asked anew who they are and whether they
 * still see what it is about, and also while nothing happens, and when their login expires. Once they may not, one more event comes:
 * its resolver finds nothing, or `context.loginEnded`, and says so; then the stream ends.
 * @param isSeen Whether the caller, as `context` has them, sees what the events are about.
 */
export function guardEvents<Event>(
  context: RequestContext,
  events: AsyncIterableIterator<Event, undefined>,
  isSeen: () => Promise<boolean>,
): AsyncIterableIterator<Event, undefined> {
  if (!context.api.access.isOn) return events;
  const end = async (): Promise<IteratorReturnResult<undefined>> => {
    await events.return?.();
    return { done: true, value: undefined };
  };
  let awaited: Promise<IteratorResult<Event, undefined>> | undefined;
  let last: IteratorYieldResult<Event> | undefined;
  let isOver = false;

  async function next(): Promise<IteratorResult<Event, undefined>> {
    while (!isOver) {
      awaited ??= events.next();
      const come = await within(askInMs(context), awaited);
      if (come !== undefined) awaited = undefined;
      if (come?.done === true) return come;
      last = come ?? last;
      isOver = !(await mayGoOn(context, isSeen));
      if (come !== undefined) return come;
      if (isOver && last !== undefined) return last;
    }
    return end();
  }
  return {
    next,
    return: end,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function mayGoOn(context: RequestContext, isSeen: () => Promise<boolean>): Promise<boolean> {
  try {
    context.viewer = (await identifyCaller(context.api, context.authorization)).viewer;
    forgetReads(context);
    return await isSeen();
  } catch (error) {
    if (!isTidemarkError(error) || error.code !== 'UNAUTHENTICATED') throw error;
    context.loginEnded = error;
    return false;
  }
}

function askInMs({ viewer }: RequestContext): number {
  const leftMs = viewer.expiresAt === undefined ? askEveryMs : viewer.expiresAt.getTime() - Date.now();
  return Math.min(askEveryMs, Math.max(0, leftMs) + 1);
}

/** What comes within this time; undefined where nothing does. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
    timer.unref();
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
