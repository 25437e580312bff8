import type { Config } from '../config.ts';
import { TidemarkError } from '../oci/error.ts';

const unusableAddress = new Map([
  ['EADDRINUSE', 'is taken by another program'],
  ['EACCES', 'needs rights that this user lacks'],
  ['EADDRNOTAVAIL', 'is no address of this machine'],
]);

/** @throws TidemarkError `PORT_UNAVAILABLE` */
export async function listen(
  api: { listen(options: { host: string; port: number }): Promise<string> },
  { host, port }: Pick<Config, 'host' | 'port'>,
): Promise<string> {
  try {
    return await api.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const reason = unusableAddress.get(code);
    if (reason === undefined) throw error;
    throw new TidemarkError(
      'PORT_UNAVAILABLE',
      `The API cannot listen on ${host}:${port}, which ${reason}. ` +
        'Set TIDEMARK_PORT to another port (0 for any free one), or TIDEMARK_HOST to another address.',
      { origin: 'caller', cause: error },
    );
  }
}
