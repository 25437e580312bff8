/** A distribution shows a repository only while whoever pointed it there may read it. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kysely } from '../../src/db/sql.ts';
import { pull } from '../support/api/pull.ts';
import { makeNamed, startTenants } from './support/tenants.ts';
import type { Tenant, Tenants } from './support/tenants.ts';

let tenants: Tenants;
const secret = makeNamed('pointed-at');
let repositoryId: string;
beforeAll(async () => {
  tenants = await startTenants();
  const place = await tenants.makePlace('b/secret', secret.repository);
  await tenants.harness.sync(place.ids, {}, tenants.b.identity);
  repositoryId = Buffer.from(`Repository:${place.ids.repositoryId}`).toString('base64url');
});
afterAll(() => tenants?.close());

async function ask(query: string, { token }: Tenant) {
  const { text } = await tenants.api.graphql(query, {}, token);
  return (JSON.parse(text) as { data: Record<string, unknown> }).data;
}

async function pulled(path: string, { token }: Tenant) {
  const answer = await pull(tenants.api.url, { path, headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, body: answer.body.toString() };
}

const servedAt = (tenant: Tenant) =>
  ask('{ repository(name: "b/secret") { servedAt { basePath pointedBy isServed versionNumber } } }', tenant);

test('a distribution on another tenant’s repository is absent once its owner lost the right, until a reader points it again', async () => {
  const both = await tenants.makeTenant([
    { role: 'maintainer', scope: 'c/*' },
    { role: 'reader', scope: 'b/*' },
  ]);
  const made = await ask(
    `mutation { distributionCreate(input: { basePath: "c/shown", repositoryId: "${repositoryId}" }) {
      distribution { id } userErrors { code } } }`,
    both,
  );
  const { distribution } = made['distributionCreate'] as { distribution: { id: string } };
  expect((await pulled('/v2/c/shown/manifests/secret', both)).status).toBe(200);
  const own = { basePath: 'b/secret', pointedBy: null, isServed: true, versionNumber: null };
  const shown = { basePath: 'c/shown', pointedBy: expect.stringMatching(/^tenant /), versionNumber: null };
  expect(await servedAt(tenants.b)).toEqual({
    repository: { servedAt: [own, { ...shown, isServed: true }] },
  });

  const { identity } = both;
  const tokenId = identity.kind === 'token' ? identity.id : 0;
  const db = kysely(tenants.harness.em());
  await sql`delete from access_grant where token_id = ${tokenId} and scope = 'b/*'`.execute(db);
  const gone = await pulled('/v2/c/shown/manifests/secret', both);
  const absent = await pulled('/v2/c/never/manifests/secret', both);
  expect({ ...gone, body: gone.body.replaceAll('c/shown', 'c/never') }).toEqual(absent);
  expect((await pulled('/v2/_catalog', both)).body).not.toContain('c/shown');
  expect(await servedAt(tenants.b)).toEqual({
    repository: { servedAt: [own, { ...shown, isServed: false }] },
  });

  const entitled = await tenants.makeTenant([
    { role: 'maintainer', scope: 'c/*' },
    { role: 'reader', scope: 'b/secret' },
  ]);
  await ask(
    `mutation { distributionPoint(input: { id: "${distribution.id}", repositoryId: "${repositoryId}" }) { userErrors { code } } }`,
    entitled,
  );
  expect((await pulled('/v2/c/shown/manifests/secret', both)).status).toBe(200);
});
