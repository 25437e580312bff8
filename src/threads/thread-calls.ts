import type { MessagePort, Transferable } from 'node:worker_threads';
import { TidemarkError } from '../oci/error.ts';
import { fromPlainError, toPlainError } from './plain-error.ts';
import type { PlainError } from './plain-error.ts';

/** The functions that one side offers, by name. Inputs and results are plain data. */
export type Service = Readonly<Record<string, (input: never) => unknown>>;

/** The other side of a port. */
export interface ThreadCalls<Theirs extends Service> {
  /**
   * @throws what the other side threw; TidemarkError `THREAD_LOST` (retryable) if it has ended.
   */
  call<Name extends keyof Theirs & string>(
    name: Name,
    input: Parameters<Theirs[Name]>[0],
    transfer?: readonly Transferable[],
  ): Promise<Awaited<ReturnType<Theirs[Name]>>>;
  /** Ends the calls of both sides. */
  close(): void;
}

type Message =
  | { readonly number: number; readonly name: string; readonly input: unknown }
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly error: PlainError };

interface Waiter {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Calls between two threads, both ways. A port keeps its thread alive only while it waits for an answer.
 * @param onClose Called once when the port has closed, by either side or because the other thread has ended.
 */
export function openCalls<Theirs extends Service>(
  port: MessagePort,
  ours: Service,
  onClose: () => void = () => undefined,
): ThreadCalls<Theirs> {
  const waiting = new Map<number, Waiter>();
  let numbers = 0;
  let isClosed = false;

  async function answer({ number, name, input }: Extract<Message, { name: string }>): Promise<void> {
    let message: Message;
    try {
      message = { number, value: await ours[name]?.(input as never) };
    } catch (error) {
      message = { number, error: toPlainError(error) };
    }
    port.postMessage(message, []);
  }

  function settle(message: Exclude<Message, { name: string }>): void {
    const waiter = waiting.get(message.number);
    waiting.delete(message.number);
    if (waiting.size === 0) port.unref();
    if ('error' in message) waiter?.reject(fromPlainError(message.error));
    else waiter?.resolve(message.value);
  }

  port.on('message', (message: Message) => {
    if ('name' in message) void answer(message);
    else settle(message);
  });
  port.on('close', () => {
    isClosed = true;
    for (const waiter of waiting.values()) waiter.reject(lost());
    waiting.clear();
    onClose();
  });
  port.unref();
  return {
    call: <Answer>(name: string, input: unknown, transfer: readonly Transferable[] = []) =>
      new Promise<Answer>((resolve, reject) => {
        if (isClosed) throw lost();
        const number = ++numbers;
        waiting.set(number, { resolve, reject });
        port.ref();
        port.postMessage({ number, name, input } satisfies Message, transfer);
      }),
    close: () => port.close(),
  };
}

function lost(): TidemarkError {
  return new TidemarkError(
    'THREAD_LOST',
    'A thread of this process ended during its work. The work is repeated on another one.',
    { origin: 'server', retryable: true },
  );
}
