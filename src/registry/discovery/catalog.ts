import { firstPage } from '../tags/next-page.ts';
import { createLoopGuard, getJson, readNames } from './json-page.ts';
import type { JsonPage } from './json-page.ts';
import type { DiscoverySource } from './source.ts';

const pageSize = 1_000;

/**
 * `GET /v2/_catalog`, by `Link` (Docker Registry HTTP API V2, "Listing Repositories"). Docker Hub, GitHub and GitLab do not answer it. A registry
 * without `Link` lists everything at once.
 */
export async function* listCatalog(source: DiscoverySource): AsyncGenerator<readonly string[]> {
  const checkLoop = createLoopGuard();
  let addresses: readonly URL[] = [new URL(`${source.base}/v2/_catalog?n=${pageSize}`)];
  while (addresses.length > 0) {
    const [first] = addresses;
    if (first === undefined) return;
    checkLoop(first);
    const page: JsonPage = await firstPage(addresses, (url) => getJson(source, url));
    const { repositories } = (page.body ?? {}) as { readonly repositories?: unknown };
    // Docker's registry answers null for an empty list.
    yield readNames(first, repositories ?? [], (name) => name);
    addresses = page.next;
  }
}
