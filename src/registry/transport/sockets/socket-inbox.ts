/** Receives the bytes of a socket's `onread` for one reader. */
export interface Inbox {
  /** For `onread.buffer`. */
  readonly buffer: Uint8Array;
  /** For `onread.callback`: false pauses the socket. */
  readonly receive: (bytes: number, buffer: Uint8Array) => boolean;
  /** The next bytes, valid until the next call; undefined at the end. One call at a time. */
  next(): Promise<Uint8Array | undefined>;
  isWaiting(): boolean;
  /** Ends the stream, with `failure` if there is one. Received bytes can still be read. */
  end(failure: unknown): void;
  ended(): boolean;
  /** Whether there are unread bytes. */
  isPending(): boolean;
  /** Called for unexpected bytes. */
  onUnasked(listener: (() => void) | undefined): void;
  /** Gives the memory to the next inbox; the socket is closed, and no view is in use. */
  release(): void;
}

interface Waiter {
  resolve(bytes: Uint8Array | undefined): void;
  reject(failure: unknown): void;
}

/**
 * For TCP: the reader gets a view of the one buffer, and the socket pauses until the next read. Nothing is copied (docs/design.md).
 */
export function receiveViews(bufferBytes: number): Inbox {
  const buffer = sharedBuffer(bufferBytes);
  let pending: Uint8Array | undefined;
  const state = inboxState(() => {
    const view = pending;
    pending = undefined;
    return view;
  });
  return {
    ...state.inbox,
    buffer,
    isPending: () => pending !== undefined,
    receive(bytes) {
      pending = buffer.subarray(0, bytes);
      state.deliver();
      return false;
    },
    release: () => keepBuffer(buffer),
  };
}

/**
 * For TLS: one read of the socket may deliver several records into the same buffer before a pause takes effect. A second buffer gathers them
 * while the reader has a third.
 */
export function receiveCopied(bufferBytes: number): Inbox {
  const buffer = Buffer.allocUnsafeSlow(64 * 1024);
  let filling = sharedBuffer(bufferBytes);
  let lent = sharedBuffer(bufferBytes);
  let filled = 0;
  let scheduled = false;
  const state = inboxState(() => {
    if (filled === 0) return undefined;
    const view = filling.subarray(0, filled);
    [filling, lent] = [lent, filling];
    filled = 0;
    return view;
  });
  return {
    ...state.inbox,
    buffer,
    isPending: () => filled > 0,
    receive(bytes) {
      if (filled + bytes > filling.length) {
        const larger = sharedBuffer(2 * (filled + bytes));
        filling.copy(larger, 0, 0, filled);
        filling = larger;
      }
      buffer.copy(filling, filled, 0, bytes);
      filled += bytes;
      // After this turn of the event loop, which delivers all records of one read.
      if (!scheduled) {
        scheduled = true;
        setImmediate(() => {
          scheduled = false;
          if (filled > 0) state.deliver();
        });
      }
      return filled < bufferBytes / 2;
    },
    release() {
      keepBuffer(filling);
      keepBuffer(lent);
    },
  };
}

/** Buffers of closed connections. New ones for each sync would stay in memory until V8 collects them. */
let kept: Buffer<SharedArrayBuffer>[] = [];
const keptMost = 32;
const keptMs = 3_000;
let forgetting: NodeJS.Timeout | undefined;

/** The buffer must not be used afterwards. */
export function keepBuffer(buffer: Buffer<SharedArrayBuffer>): void {
  if (kept.length < keptMost) kept.push(buffer);
  forgetting ??= setTimeout(() => (kept = []), keptMs).unref();
  forgetting.refresh();
}

/** Shared, so that another thread may hash the bytes. */
export function sharedBuffer(bytes: number): Buffer<SharedArrayBuffer> {
  const index = kept.findIndex((buffer) => buffer.byteLength === bytes);
  return kept.splice(index, index < 0 ? 0 : 1)[0] ?? Buffer.from(new SharedArrayBuffer(bytes));
}

function inboxState(take: () => Uint8Array | undefined): {
  readonly inbox: Omit<Inbox, 'buffer' | 'receive' | 'release' | 'isPending'>;
  deliver(): void;
} {
  let waiter: Waiter | undefined;
  let unasked: (() => void) | undefined;
  let end: { readonly failure: unknown } | undefined;
  return {
    deliver() {
      if (unasked !== undefined) return unasked();
      if (waiter === undefined) return;
      const waiting = waiter;
      waiter = undefined;
      waiting.resolve(take());
    },
    inbox: {
      next() {
        const ready = take();
        if (ready !== undefined) return Promise.resolve(ready);
        if (end !== undefined)
          return end.failure === undefined ? Promise.resolve(undefined) : Promise.reject(end.failure);
        const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>();
        waiter = { resolve, reject };
        return promise;
      },
      isWaiting: () => waiter !== undefined,
      end(failure) {
        end ??= { failure };
        const waiting = waiter;
        if (waiting === undefined) return;
        waiter = undefined;
        const ready = take();
        if (ready !== undefined) waiting.resolve(ready);
        else if (end.failure === undefined) waiting.resolve(undefined);
        else waiting.reject(end.failure);
      },
      ended: () => end !== undefined,
      onUnasked(listener) {
        unasked = listener;
      },
    },
  };
}
