import { connect as connectTcp, isIP } from 'node:net';
import type { OnReadOpts, Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import { bareHost } from '../../../oci/hosts/address.ts';
import { TidemarkError } from '../../../oci/error.ts';
import { receiveCopied, receiveViews } from './socket-inbox.ts';
import type { Inbox } from './socket-inbox.ts';
import { admitConnected } from '../connect-settings.ts';
import type { ConnectSettings } from '../connect-settings.ts';

/** A connection that reads into our buffer (the `onread` option of net and tls). */
export interface Connection {
  send(text: string): void;
  /**
   * The next bytes, valid until the next call; undefined at the end of the stream.
   * @throws the connection's error; `UPSTREAM_TIMEOUT` after the read timeout.
   */
  read(): Promise<Uint8Array | undefined>;
  /**
   * Makes the connection idle. It closes after `idleMs`, when the peer closes it, or when bytes arrive. Unread bytes close it at once: they must
   * not become the head of the next answer.
   */
  rest(idleMs: number): void;
  /** Reuses an idle connection; false if it has closed or has unexpected bytes. */
  wake(): Promise<boolean>;
  destroy(reason?: unknown): void;
}

const bufferBytes = 1024 * 1024;

/** Connects to the host of `url`, behind the address guard. @throws the errors of net and tls; the signal's reason. */
export async function openConnection(
  url: URL,
  settings: ConnectSettings,
  signal: AbortSignal | undefined,
): Promise<Connection> {
  signal?.throwIfAborted();
  const inbox = url.protocol === 'https:' ? receiveCopied(bufferBytes) : receiveViews(bufferBytes);
  const socket = openSocket(url, settings, inbox);
  // Catches errors after the last listener, as between a refusal and the end of the socket.
  socket.on('error', () => undefined);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 60_000);
  try {
    await connected(socket, url, settings, signal);
    await admitConnected(settings, socket, url.hostname);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return connectionOf(socket, inbox, settings.readTimeoutMs);
}

function openSocket(url: URL, settings: ConnectSettings, inbox: Inbox): Socket {
  const host = bareHost(url.hostname);
  const onread = { buffer: inbox.buffer, callback: inbox.receive };
  const { lookup } = settings;
  if (url.protocol === 'http:') return connectTcp({ host, port: Number(url.port || 80), lookup, onread });
  const options: TlsConnectionOptions & { readonly onread: OnReadOpts } = {
    ...settings.tls,
    host,
    port: Number(url.port || 443),
    lookup,
    onread,
    ALPNProtocols: ['http/1.1'],
    // A server name must not be an IP address (RFC 6066 section 3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
  return connectTls(options);
}

async function connected(
  socket: Socket,
  url: URL,
  { connectTimeoutMs }: ConnectSettings,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const abort = () => reject(signal?.reason as Error);
  const timer = setTimeout(
    () => reject(Object.assign(new Error('connect timeout'), { code: 'UND_ERR_CONNECT_TIMEOUT' })),
    connectTimeoutMs === 0 ? 2 ** 31 - 1 : connectTimeoutMs,
  );
  const done = () => resolve(undefined);
  const closed = () => reject(Object.assign(new Error('closed while connecting'), { code: 'ECONNRESET' }));
  signal?.addEventListener('abort', abort, { once: true });
  socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', done);
  socket.once('error', reject);
  socket.once('close', closed);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    socket.off('close', closed);
    socket.off('error', reject);
  }
}

function connectionOf(socket: Socket, inbox: Inbox, readTimeoutMs: number): Connection {
  let failure: unknown;
  let idleTimer: NodeJS.Timeout | undefined;
  let isResting = false;
  const readTimer =
    readTimeoutMs === 0
      ? undefined
      : setTimeout(() => {
          if (inbox.isWaiting()) socket.destroy(timedOut(readTimeoutMs));
        }, readTimeoutMs).unref();

  socket.on('error', (error) => (failure ??= error));
  socket.on('end', () => inbox.end(undefined));
  socket.on('close', () => {
    clearTimeout(readTimer);
    clearTimeout(idleTimer);
    inbox.end(failure);
    // The last bytes of an aborted connection may still be written or hashed.
    if (isResting) inbox.release();
  });
  return {
    send: (text) => void socket.write(text, 'latin1'),
    async read() {
      readTimer?.refresh();
      const next = inbox.next();
      if (!socket.destroyed) socket.resume();
      return next;
    },
    rest(idleMs) {
      isResting = true;
      if (inbox.isPending()) return void socket.destroy();
      socket.unref();
      idleTimer = setTimeout(() => socket.destroy(), idleMs).unref();
      inbox.onUnasked(() => socket.destroy());
      // Only a reading socket notices that the peer has closed.
      socket.resume();
    },
    async wake() {
      clearTimeout(idleTimer);
      await afterNextPoll();
      inbox.onUnasked(undefined);
      if (socket.destroyed || inbox.ended() || inbox.isPending()) return false;
      isResting = false;
      socket.ref();
      return true;
    },
    destroy(reason) {
      failure ??= reason;
      socket.destroy();
      inbox.end(failure);
    },
  };
}

/** Waits until the event loop has polled the socket once. */
async function afterNextPoll(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

function timedOut(readTimeoutMs: number): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_TIMEOUT',
    `The upstream sent nothing for ${readTimeoutMs} ms, the remote's read timeout. Received bytes are kept.`,
    { retryable: true },
  );
}
