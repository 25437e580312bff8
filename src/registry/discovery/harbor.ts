import { firstPage } from '../tags/next-page.ts';
import { createLoopGuard, fieldOf, getJson, readNames } from './json-page.ts';
import type { JsonPage } from './json-page.ts';
import type { DiscoverySource } from './source.ts';

/** Harbor refuses more. */
const pageSize = 100;

/**
 * `GET /api/v2.0/repositories`, by `Link` (goharbor/harbor, api/v2.0/swagger.yaml, "listAllRepositories"). Harbor answers anonymous callers with the
 * public repositories and asks nobody to log in, so the login is sent at once.
 */
export async function* listHarbor(source: DiscoverySource): AsyncGenerator<readonly string[]> {
  const login = await source.login();
  const headers: Record<string, string> =
    login === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}` };
  const checkLoop = createLoopGuard();
  let addresses: readonly URL[] = [
    new URL(`${source.base}/api/v2.0/repositories?page=1&page_size=${pageSize}`),
  ];
  while (addresses.length > 0) {
    const [first] = addresses;
    if (first === undefined) return;
    checkLoop(first);
    const page: JsonPage = await firstPage(addresses, (url) => getJson(source, url, headers));
    yield readNames(first, page.body ?? [], (entry) => fieldOf(entry, 'name'));
    addresses = page.next;
  }
}
