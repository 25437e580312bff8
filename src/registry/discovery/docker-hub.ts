import { TidemarkError } from '../../oci/error.ts';
import { isDockerHub } from '../../oci/hosts/registry-address.ts';
import { describeUrl } from '../transport/exchange.ts';
import { createLoopGuard, fieldOf, getJson, readNames } from './json-page.ts';
import type { DiscoverySource } from './source.ts';

/** The API of Docker Hub is not at its registry. */
const hubApi = 'https://hub.docker.com';
const pageSize = 100;

/**
 * `GET /v2/namespaces/<namespace>/repositories`, by `next` (Docker Hub API reference, "List repositories in a namespace"). It is asked without
 * credentials, so it lists the public repositories.
 */
export async function* listDockerHub(source: DiscoverySource): AsyncGenerator<readonly string[]> {
  const { base, namespaces } = source;
  const api = isDockerHub(new URL(base).hostname) ? hubApi : base;
  for (const namespace of namespaces) {
    const checkLoop = createLoopGuard();
    const start = new URL(`${api}/v2/namespaces/${namespace}/repositories?page_size=${pageSize}`);
    for (let url: URL | undefined = start; url !== undefined;) {
      checkLoop(url);
      const asked: URL = url;
      const { body } = await getJson(source, asked);
      const names = readNames(asked, fieldOf(body, 'results'), (entry) => fieldOf(entry, 'name'));
      yield names.map((name) => `${namespace}/${name}`);
      url = nextOf(asked, fieldOf(body, 'next'));
    }
  }
}

function nextOf(asked: URL, next: unknown): URL | undefined {
  if (next === null || next === undefined || next === '') return undefined;
  const url = typeof next === 'string' && URL.canParse(next, asked.href) ? new URL(next, asked) : undefined;
  if (url?.origin === asked.origin) return url;
  throw new TidemarkError(
    'UPSTREAM_LINK_REFUSED',
    `GET ${describeUrl(asked)} names a next page at another host, which was refused. Give the names with discovery: LIST.`,
  );
}
