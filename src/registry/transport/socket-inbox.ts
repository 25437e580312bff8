/** Where a socket's `onread` puts its bytes, and from where one reader takes them. */
export interface Inbox {
  /** For `onread.buffer`. */
  readonly buffer: Uint8Array;
  /** For `onread.callback`: false asks the socket to stop reading until it is resumed. */
  readonly receive: (bytes: number, buffer: Uint8Array) => boolean;
  /** The next bytes, valid until the next call; undefined at the end. One call at a time. */
  next(): Promise<Uint8Array | undefined>;
  isWaiting(): boolean;
  /** No more will come, because of `failure` or because the stream ended. What is there can still be taken. */
  end(failure: unknown): void;
  ended(): boolean;
  /** Whether bytes have come that nobody has taken. */
  isPending(): boolean;
  /** Told of bytes that come while nobody expects any. */
  onUnasked(listener: (() => void) | undefined): void;
  /** Leaves the memory to the next inbox: for when the socket is closed, and nobody has a view of it any more. */
  release(): void;
}

interface Waiter {
  resolve(bytes: Uint8Array | undefined): void;
  reject(failure: unknown): void;
}

/**
 * For TCP: the reader gets a view of the one buffer, and the socket stops until that view is done with. Nothing is
 * copied (docs/design.md).
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
 * For TLS: one read of the socket may bring several records before a stop takes effect, each into the same place. So
 * they are gathered in a second buffer while the reader has a third.
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
      // After this turn of the event loop: the records of one read come one by one, and belong together.
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

/** Of closed connections. Without them each sync makes its own, and those before lie about until V8 looks: 30 MB. */
let kept: Buffer<SharedArrayBuffer>[] = [];
const keptMost = 32;
const keptMs = 3_000;
let forgetting: NodeJS.Timeout | undefined;

function keepBuffer(buffer: Buffer<SharedArrayBuffer>): void {
  if (kept.length < keptMost) kept.push(buffer);
  forgetting ??= setTimeout(() => (kept = []), keptMs).unref();
  forgetting.refresh();
}

/** Shared, so that another thread may hash what lies in it. */
function sharedBuffer(bytes: number): Buffer<SharedArrayBuffer> {
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
