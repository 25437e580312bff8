import { createLoopGuard, fieldOf, getJson, readNames } from './json-page.ts';
import type { DiscoverySource } from './source.ts';

/** The user name under which Quay takes an OAuth token as the password. */
const tokenUser = '$oauthtoken';

/**
 * `GET /api/v1/repository?namespace=…`, by `next_page` (Red Hat Quay API reference, "listRepos"). The API takes OAuth tokens only; robot accounts
 * and anonymous callers get the public repositories.
 */
export async function* listQuay(source: DiscoverySource): AsyncGenerator<readonly string[]> {
  const { base, namespaces } = source;
  const login = await source.login();
  const headers: Record<string, string> =
    login?.username === tokenUser ? { authorization: `Bearer ${login.password}` } : {};
  for (const namespace of namespaces) {
    const checkLoop = createLoopGuard();
    for (let next: unknown = ''; typeof next === 'string';) {
      const url = new URL(`${base}/api/v1/repository`);
      url.search = new URLSearchParams({
        namespace,
        public: 'true',
        ...(next === '' ? {} : { next_page: next }),
      }).toString();
      checkLoop(url);
      const { body } = await getJson(source, url, headers);
      const names = readNames(url, fieldOf(body, 'repositories'), (entry) => fieldOf(entry, 'name'));
      yield names.map((name) => `${namespace}/${name}`);
      next = fieldOf(body, 'next_page');
    }
  }
}
