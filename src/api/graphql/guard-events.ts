import { isTidemarkError } from '../../oci/error.ts';
import { forgetReads, identifyCaller } from './context.ts';
import type { RequestContext } from './context.ts';

/** How often an idle subscription checks whether its caller may still receive events. */
const askEveryMs = 30_000;

/**
 * Passes the events of a subscription on while its caller may receive them (fault 92). The login and the visibility are checked before each
 * event, regularly while there is none, and when the login expires. Afterwards one more event comes, whose resolver returns nothing or
 * `context.loginEnded`; then the stream ends.
 * @param isSeen Whether the caller of `context` sees the subject of the events.
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
    context.viewer = (await identifyCaller(context.api, context.presented)).viewer;
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

/** The next event within this time, else undefined. */
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
