import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Config } from '../config.ts';
import { TidemarkError } from '../oci/error.ts';

const unusableAddress = new Map([
  ['EADDRINUSE', 'is taken by another program'],
  ['EACCES', 'needs rights that this user lacks'],
  ['EADDRNOTAVAIL', 'is no address of this machine'],
]);

interface Address {
  readonly host: string;
  readonly port: number;
  /** The setting of the port. */
  readonly setting: 'TIDEMARK_PORT' | 'TIDEMARK_DOCKER_HUB_PORT';
}

/** The addresses that the API listens on: its own first. */
export function addressesOf({
  host,
  port,
  dockerHub,
}: Pick<Config, 'host' | 'port' | 'dockerHub'>): readonly [Address, ...Address[]] {
  const own: Address = { host, port, setting: 'TIDEMARK_PORT' };
  if (dockerHub.port === undefined) return [own];
  return [own, { host, port: dockerHub.port, setting: 'TIDEMARK_DOCKER_HUB_PORT' }];
}

/** @throws TidemarkError `PORT_UNAVAILABLE` */
export async function listen(
  api: { listen(options: { host: string; port: number }): Promise<string> },
  address: Address,
): Promise<string> {
  const { host, port } = address;
  try {
    return await api.listen({ host, port });
  } catch (error) {
    throw await unavailable(error, address);
  }
}

/**
 * Checks that the API will be able to listen, before anything else starts: creating PostgreSQL takes a second.
 * @throws TidemarkError `PORT_UNAVAILABLE`
 */
export async function checkPort(address: Address): Promise<void> {
  const { host, port } = address;
  if (port === 0) return;
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    throw await unavailable(error, address);
  }
  const closed = once(server, 'close');
  server.close();
  await closed;
}

/** Why an address cannot be listened on, after "which"; undefined for another error. */
export function unusableReason(error: unknown): string | undefined {
  return unusableAddress.get(errorCode(error));
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

async function unavailable(error: unknown, address: Address): Promise<unknown> {
  const reason = unusableReason(error);
  if (reason === undefined) return error;
  const { host, port, setting } = address;
  const url = errorCode(error) === 'EADDRINUSE' ? await findOther(address) : undefined;
  const what = url === undefined ? reason : 'is taken by another Tidemark';
  const use = url === undefined ? '' : `Use that one with TIDEMARK_SERVER=${url}, or set`;
  return new TidemarkError(
    'PORT_UNAVAILABLE',
    `The API cannot listen on ${host}:${port}, which ${what}. ` +
      `${use === '' ? 'Set' : use} ${setting} to another port (0 for any free one), or TIDEMARK_HOST to another address.`,
    { origin: 'caller', cause: error },
  );
}

const askMs = 1_000;

/** The address of a Tidemark that already has the port. */
async function findOther({ host, port }: Address): Promise<string | undefined> {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host;
  const url = `http://${name.includes(':') && !name.startsWith('[') ? `[${name}]` : name}:${port}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(askMs), redirect: 'error' });
    return (await response.text()).includes('Tidemark') ? url : undefined;
  } catch {
    return undefined;
  }
}
