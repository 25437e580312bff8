import { TidemarkError, isTidemarkError, quoteValue } from '../../oci/error.ts';
import { parseChallenges } from '../auth/challenge.ts';
import { checkStatus } from '../status.ts';
import { joinedHeader } from '../transport/exchange.ts';
import { firstPage } from '../tags/next-page.ts';
import { createLoopGuard, fieldOf, getJson, readNames } from './json-page.ts';
import type { JsonPage } from './json-page.ts';
import type { DiscoverySource } from './source.ts';

/** GitLab sends no more. */
const pageSize = 100;

/**
 * `GET /api/v4/groups/<group>/registry/repositories` for each namespace, with its subgroups, by `Link` (GitLab's container registry API, "List
 * registry repositories within a group"). The password is sent as an access token with the scope read_api; without one, GitLab shows what is public.
 */
export async function* listGitlab(source: DiscoverySource): AsyncGenerator<readonly string[]> {
  const api = await findApi(source);
  const login = await source.login();
  const headers: Record<string, string> =
    login === undefined ? {} : { authorization: `Bearer ${login.password}` };
  for (const group of source.namespaces) {
    const checkLoop = createLoopGuard();
    let addresses: readonly URL[] = [
      new URL(`/api/v4/groups/${encodeURIComponent(group)}/registry/repositories?per_page=${pageSize}`, api),
    ];
    while (addresses.length > 0) {
      const [first] = addresses;
      if (first === undefined) break;
      checkLoop(first);
      const page: JsonPage = await firstPage(addresses, (url) => askGroup(source, { group, url, headers }));
      yield readNames(first, page.body, (entry) => fieldOf(entry, 'path'));
      addresses = page.next;
    }
  }
}

/** GitLab is where its registry sends clients for tokens (GitLab, "Container registry token authentication"). */
async function findApi({ requester, base, signal, checkRealm }: DiscoverySource): Promise<URL> {
  const request = { method: 'GET', url: new URL(`${base}/v2/`), signal, isAnonymous: true } as const;
  const field = await requester.request(request, async (response, sent) => {
    await checkStatus(sent, response, 200, 401);
    await response.discard();
    return joinedHeader(response.headers, 'www-authenticate');
  });
  const challenges = parseChallenges(field ?? '') ?? [];
  const realm = challenges.find(({ scheme }) => scheme === 'bearer')?.parameters.get('realm');
  // a registry without logins, as tests and small installations have it
  return realm === undefined ? new URL(base) : new URL(checkRealm(realm).origin);
}

interface Question {
  readonly group: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

async function askGroup(source: DiscoverySource, { group, url, headers }: Question): Promise<JsonPage> {
  try {
    return await getJson(source, url, headers);
  } catch (error) {
    if (!isTidemarkError(error) || ![401, 403, 404].includes(error.status ?? 0)) throw error;
    throw new TidemarkError(
      error.code,
      `GitLab at ${url.host} lists no registry of the group ${quoteValue(group)} (status ${error.status}). Check that it is a group, not a user or a ` +
        'project, and give as the password an access token with the scope read_api; or give the names with discovery: LIST.',
      { cause: error },
    );
  }
}
