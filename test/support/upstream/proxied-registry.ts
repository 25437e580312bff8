import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { sql } from 'kysely';
import { kysely } from '../../../src/db/sql.ts';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { HarnessApi } from '../api/harness-api.ts';
import { pull } from '../api/pull.ts';
import type { StageWithApi } from '../sync/stage-with-api.ts';
import { openFakeUpstream } from './fake-upstream.ts';
import type { FakeUpstream } from './fake-upstream.ts';
import { sampleAnswers } from './sample-answers.ts';

const absent = { status: 404, body: '{"errors":[{"code":"NAME_UNKNOWN","message":"none"}]}' };

/** Steps of tests of proxies. */
export function proxySteps(
  given: () => { readonly api: HarnessApi; readonly stage: StageWithApi; readonly upstreams: FakeUpstream[] },
) {
  /** A registry with an image `v1` in each repository; `digests` has what the tag is. */
  async function openRegistry(...names: string[]) {
    const seed = randomBytes(6).toString('hex');
    const repositories = new Map<string, SampleRepository>();
    const digests: Record<string, string> = {};
    for (const name of names) {
      const repository = createSampleRepository();
      digests[name] = addImage(repository, { seed: `${seed} ${name}`, layers: [500], tag: 'v1' }).digest;
      addImage(repository, { seed: `${seed} ${name} 2`, layers: [500], tag: 'v2' });
      repositories.set(name, repository);
    }
    const upstream = await openFakeUpstream({
      fallback: async (request, response) => {
        const [, name = ''] =
          /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(request.url ?? '') ?? [];
        const repository = repositories.get(name);
        const answer = repository === undefined ? undefined : sampleAnswers(repository);
        if (typeof answer === 'function') await answer(request, response);
        else response.writeHead(absent.status, { 'content-type': 'application/json' }).end(absent.body);
      },
    });
    given().upstreams.push(upstream);
    const asked = (name: string, reference = '') =>
      upstream.requests.filter(({ path }) => path.startsWith(`/v2/${name}/manifests/${reference}`)).length;
    return { upstream, repositories, digests, asked };
  }

  async function createProxy(wish: object, at = given().api, token?: string) {
    const { data } = await at.graphql(
      'mutation ($input: ProxyCreateInput!) { proxyCreate(input: $input) { proxy { id } userErrors { message } } }',
      { input: { maxRetries: 0, ...wish } },
      token,
    );
    expect(data.proxyCreate.userErrors).toEqual([]);
    return String(data.proxyCreate.proxy.id);
  }

  const get = (path: string, { url } = given().api, headers: Record<string, string> = {}) =>
    pull(url, { path: `/v2/${path}`, headers });

  async function made(prefix: string): Promise<string[]> {
    const found = await sql<{ name: string }>`
    select name from repository where name ^@ ${`${prefix}/`} order by name`.execute(
      kysely(given().stage.harness.em()),
    );
    return found.rows.map(({ name }) => name);
  }

  return { openRegistry, createProxy, get, made };
}
