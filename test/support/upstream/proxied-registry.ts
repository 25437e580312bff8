import { expect } from 'vitest';
import { sql } from 'kysely';
import { kysely } from '../../../src/db/sql.ts';
import type { HarnessApi } from '../api/harness-api.ts';
import { pull } from '../api/pull.ts';
import type { StageWithApi } from '../sync/stage-with-api.ts';
import type { FakeUpstream } from './fake-upstream.ts';
import { openSampleRegistry } from './sample-registry.ts';

/** Steps of tests of proxies. */
export function proxySteps(
  given: () => { readonly api: HarnessApi; readonly stage: StageWithApi; readonly upstreams: FakeUpstream[] },
) {
  async function openRegistry(...names: string[]) {
    const registry = await openSampleRegistry(...names);
    given().upstreams.push(registry.upstream);
    return registry;
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
