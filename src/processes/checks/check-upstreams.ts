import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Em } from '../../db/open-database.ts';
import { Remote } from '../../db/schema/remotes.ts';
import { bareHost, classifyAddress, isListedHost } from '../../oci/hosts/address.ts';
import { countOf } from '../../oci/count-of.ts';

const namedAtMost = 20;
/** Names that are unresolved by then are not listed. Each connection checks its address again. */
const lookupMs = 2_000;

interface CheckOptions {
  readonly allowPrivate: boolean;
  /** `TIDEMARK_ALLOW_UPSTREAM`. */
  readonly allowUpstream: readonly string[];
  readonly log: (message: string) => void;
}

/** Lists the remotes on private addresses whose syncs fail until the operator allows them, e.g. after logins were turned on. */
export async function checkUpstreams(
  em: Em,
  { allowPrivate, allowUpstream, log }: CheckOptions,
): Promise<void> {
  if (allowPrivate) return;
  const remotes = await em.find(Remote, {}, { orderBy: { name: 'asc' } });
  const places = remotes.flatMap(({ name, url, fallbacks }) =>
    [url, ...fallbacks.map((fallback) => fallback.url)].map((place) => ({
      name,
      url: place,
    })),
  );
  const hosts = new Map<string, Promise<boolean>>();
  const refused = await Promise.all(
    places.map(async ({ name, url }) => {
      const address = new URL(url);
      if (isListedHost(address, allowUpstream)) return [];
      const isPrivate = hosts.get(address.hostname) ?? resolvesToPrivate(bareHost(address.hostname));
      hosts.set(address.hostname, isPrivate);
      return (await isPrivate) ? [{ name, host: address.host }] : [];
    }),
  );
  const found = refused.flat();
  if (found.length === 0) return;
  const names = found.slice(0, namedAtMost).map(({ name, host }) => `${name} (${host})`);
  const more = found.length > names.length ? ` and ${found.length - names.length} more` : '';
  const setting = [...new Set([...allowUpstream, ...found.map(({ host }) => host)])].join(',');
  log(
    `${countOf(found.length, 'remote')} on private addresses cannot be synced, because others can reach this server: ${names.join(', ')}${more}. ` +
      `To allow them, start with TIDEMARK_ALLOW_UPSTREAM=${setting}`,
  );
}

async function resolvesToPrivate(host: string): Promise<boolean> {
  const timeout = sleep(lookupMs, [], { ref: false });
  const found = await Promise.race([lookup(host, { all: true }).catch(() => []), timeout]);
  return found.some(({ address }: { address: string }) => classifyAddress(address) === 'private');
}
