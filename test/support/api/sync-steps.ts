import { expect } from 'vitest';
import type { ApiUnderTest } from './api-server.ts';

let sequence = 0;
/** Repository ids of databases repeat, and so would workflow ids on the run's one Temporal server. */
export async function newRepository(
  server: ApiUnderTest,
  withRemote = true,
): Promise<{ repositoryId: number; remoteId: number }> {
  sequence += 1;
  const repositoryId = 1_000_000 + Math.floor(Math.random() * 1e12);
  await server.sql('insert into repository (id, name) values ($1, $2)', [repositoryId, `sync/r${sequence}`]);
  const [remote] = await server.sql(
    "insert into remote (name, url, upstream_name) values ($1, 'https://registry.example', 'a/b') returning id",
    [`remote ${sequence}`],
  );
  const remoteId = Number(remote?.['id']);
  if (withRemote)
    await server.sql('update repository set remote_id = $1 where id = $2', [remoteId, repositoryId]);
  return { repositoryId, remoteId };
}

/** Steps of tests of tasks. */
export function syncSteps(given: () => { readonly api: ApiUnderTest }) {
  async function cancel(id: string) {
    const { data, errors } = await given().api.graphql(
      'mutation ($id: ID!) { taskCancel(input: { id: $id }) { task { state } userErrors { code field } } }',
      { id },
    );
    expect(errors).toBeUndefined();
    return data.taskCancel;
  }

  return { cancel };
}
