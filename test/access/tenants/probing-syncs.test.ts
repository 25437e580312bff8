/** Syncs and pulls of one tenant that name what another one has: each way in, beside the same for what is stored nowhere. */
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kysely } from '../../../src/db/sql.ts';
import { addIndex, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { pull } from '../../support/api/pull.ts';
import { blank, makeNamed, startTenants } from '../support/tenants.ts';
import type { Named, Tenants } from '../support/tenants.ts';
import { nextNumber } from './secret-content.ts';
import type { Row } from './secret-content.ts';
import { rows } from './probes.ts';

let tenants: Tenants;
/** Of the same length, so that nothing but digests differs. */
const stored = makeNamed('secret-stored');
const lazy = makeNamed('secret-by-now');
const unseen = makeNamed('secret-later0');
const absent = makeNamed('secret-absent');

beforeAll(async () => {
  tenants = await startTenants();
  const { harness, b } = tenants;
  const whole = await tenants.makePlace('b/secret', stored.repository);
  expect((await harness.sync(whole.ids, {}, b.identity)).task.state).toBe('COMPLETED');
  const second = await tenants.makePlace('b/later', unseen.repository);
  expect((await harness.sync(second.ids, {}, b.identity)).task.state).toBe('COMPLETED');
  const named = await tenants.makePlace('b/lazy', lazy.repository, { policy: 'ON_DEMAND' });
  expect((await harness.sync(named.ids, {}, b.identity)).task.state).toBe('COMPLETED');
});
afterAll(() => tenants?.close());

describe.each(rows)('$name', (row) => {
  let nowhere: Promise<unknown> | undefined;
  test.each([
    ['stored for another', stored],
    ['known to the remote of another', lazy],
  ])('that is %s is as one that is nowhere', async (_, named) => {
    const before = await tenants.othersState();
    const found = await attempt(row, named);
    nowhere ??= attempt(row, absent);
    expect(found).toEqual(await nowhere);
    expect(await tenants.othersState()).toEqual(before);
  });
});

/** Everything that the tenant `a` and its upstream see of it. */
async function attempt(row: Row, named: Named): Promise<unknown> {
  const { harness, a, api } = tenants;
  const number = nextNumber();
  const repository = createSampleRepository();
  row.plant(repository, named);
  const name = `a/place-${number}`;
  const place = await tenants.makePlace(name, repository, { ...row.remote, ...row.remoteOf?.(named) });
  const db = kysely(harness.em());
  if (row.pullThrough === true)
    await sql`update distribution set pull_through = true where base_path = ${name}`.execute(db);
  if (row.isSecond === true) await harness.sync(place.ids, {}, a.identity);
  row.answer?.(place, named);
  const synced = row.pullThrough === true ? undefined : await harness.sync(place.ids, {}, a.identity);
  const authorization = `Bearer ${a.token}`;
  const references = ['v1', named.index.digest, named.image.digest];
  const paths = [
    ...references.map((reference) => `manifests/${reference}`),
    ...[named.config, named.layer, named.large].map(({ digest }) => `blobs/${digest}`),
    `referrers/${named.index.digest}`,
  ];
  const pulled: unknown[] = [];
  for (const path of paths)
    for (const method of ['HEAD', 'GET']) {
      const answer = await pull(api.url, { method, path: `/v2/${name}/${path}`, headers: { authorization } });
      const { 'content-length': length, 'content-type': type } = answer.headers;
      pulled.push([method, path, answer.status, length, type, answer.body.toString('latin1')]);
    }
  const told = await api.graphql(
    `query ($name: String!) { repository(name: $name) { latestVersion { number
      contentSummary { present { blobs manifests tags } }
      blobs(first: 20) { nodes { digest sizeBytes mediaType isStored } }
      manifests(first: 20) { nodes { digest sizeBytes totalSizeBytes platform blobs { digest sizeBytes isStored } } } } } }`,
    { name },
    a.token,
  );
  const outcome = synced && {
    state: synced.task.state,
    errorCode: synced.task.errorCode,
    // of several that are missing, the first that is answered is named
    errorMessage: synced.task.errorMessage?.replace(/blobs\/sha256:\S+/, 'blobs/…'),
    totals: [synced.task.manifestsTotal, synced.task.blobsTotal, synced.task.bytesTotal],
    counts: synced.counts,
    summary: synced.summary,
    warnings: synced.warnings,
  };
  const known = await sql`
    select m.platform_read, m.platform from membership held join manifest m on m.id = held.content_id
    where held.repository_id = ${place.ids.repositoryId} and held.kind = 'manifest'`.execute(db);
  const requests = place.upstream.requests.map(
    ({ method, path, headers }) => `${method} ${path} ${headers.range ?? ''}`,
  );
  return sorted(
    blank(
      {
        outcome,
        pulled,
        known: row.isOwnDocument === true ? known.rows : [],
        told: JSON.parse(told.text) as unknown,
        requests,
      },
      named,
      place,
    ),
  );
}

test('a worker that was not told of logins gives nothing to a sync of nobody knows whom', async () => {
  const { harness } = tenants;
  const repository = createSampleRepository();
  addIndex(repository, { manifests: [stored.image], tag: 'v1' });
  const place = await tenants.makePlace('a/untold', repository);
  await harness.stopWorker();
  await harness.restartWorker({ logins: undefined });
  try {
    for (const startedBy of [null, { kind: 'everybody' } as const]) {
      const { task, counts } = await harness.sync(place.ids, {}, startedBy);
      expect(task).toMatchObject({ state: 'FAILED', errorCode: 'CHILD_MISSING' });
      expect(counts?.blobsReused).toBe(0);
    }
  } finally {
    await harness.stopWorker();
    await harness.restartWorker();
  }
});

/** Lists in an order that does not depend on digests. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const parts = value.map((part) => JSON.stringify(sorted(part)));
    return parts.sort().map((part) => JSON.parse(part) as unknown);
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, sorted(part)]));
}
