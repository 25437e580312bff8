import { connect as connectTcp, isIP } from 'node:net';
import type { OnReadOpts, Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import { bareHost } from '../../oci/hosts/address.ts';
import { TidemarkError } from '../../oci/error.ts';
import { receiveCopied, receiveViews } from './socket-inbox.ts';
import type { Inbox } from './socket-inbox.ts';
import { admitConnected } from './connect-settings.ts';
import type { ConnectSettings } from './connect-settings.ts';
import { checkLiteral } from './transport-guard.ts';

/** One connection whose bytes land in a buffer of ours (the `onread` option of net and tls), and are lent from there. */
export interface Connection {
  send(text: string): void;
  /**
   * The next bytes, valid until `read` is called again; undefined at the end of the stream.
   * @throws what broke the connection; `UPSTREAM_TIMEOUT` when nothing came for the read timeout.
   */
  read(): Promise<Uint8Array | undefined>;
  /**
   * Puts the connection aside: it closes by itself when it is closed there, says anything unasked, or after `idleMs`. One
   * with bytes that nobody has taken closes at once: they must not become the head of the next answer.
   */
  rest(idleMs: number): void;
  /** Takes it up again; false when it has closed meanwhile, or has bytes that nobody asked for. */
  wake(): Promise<boolean>;
  destroy(reason?: unknown): void;
}

const bufferBytes = 1024 * 1024;

/** Opens a connection to where `url` points, behind the address guard. @throws what net and tls throw; the signal's reason. */
export async function openConnection(
  url: URL,
  settings: ConnectSettings,
  signal: AbortSignal | undefined,
): Promise<Connection> {
  signal?.throwIfAborted();
  checkLiteral(settings.policy, url.hostname);
  const inbox = url.protocol === 'https:' ? receiveCopied(bufferBytes) : receiveViews(bufferBytes);
  const socket = openSocket(url, settings, inbox);
  // For errors that come when nobody listens any more, as between a refusal and the end of the socket.
  socket.on('error', () => undefined);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 60_000);
  try {
    await connected(socket, url, settings, signal);
    admitConnected(settings, socket, url.hostname);
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
    // An address is no server name (RFC 6066 section 3).
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
    // one that is broken off may still be read, by who writes or hashes its last bytes
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
      // Only who reads learns that the other side has closed.
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

/** Until the socket was asked for what it has received: first the turn of the event loop ends, then the next one reads. */
async function afterNextPoll(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

function timedOut(readTimeoutMs: number): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_TIMEOUT',
    `The upstream sent nothing for ${readTimeoutMs} ms, the remote's read timeout; what came is kept.`,
    { retryable: true },
  );
}
