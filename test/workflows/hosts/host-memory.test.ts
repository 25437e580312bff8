/** What a host cannot do is believed on the word of two syncs, asked for once in each sync, and forgotten at the first other answer. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { Remote } from '../../../src/db/schema/remotes.ts';
import { kysely } from '../../../src/db/sql.ts';
import { addIndex } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { useDirectStage } from '../../support/sync/direct-stage.ts';
import { openDirectSync } from '../../support/sync/direct-sync.ts';
import { insertSchedule } from '../../support/sync/insert-schedule.ts';
import { goodRepository, upstreamName } from '../../support/sync/stage.ts';
import type { Scene } from '../../support/sync/stage.ts';
import {
  answersWithReferrers,
  companionName,
  signByReferrer,
} from '../../support/signatures/signed-sample.ts';
import { json } from '../../support/upstream/fake-upstream.ts';
import type { Answer } from '../../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../../support/upstream/sample-answers.ts';

const opened = useDirectStage();
const em = () => opened.stage.harness.em();

const noRoute = { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' };
/** An image, and an index of two. */
const manifests = 4;

interface Host extends Scene {
  /** Sends the requests of a sync, by kind. */
  asked(work?: () => Promise<unknown>): Promise<{ readonly referrers: number; readonly base: number }>;
  /** Answers for referrers; undefined: the registry has the API. */
  answer: Answer | undefined;
}

/** docker-registry 2.8: no referrers API, no API of signatures. */
async function openHost(remote: Partial<Remote> = {}): Promise<Host> {
  const repository = goodRepository(randomUUID());
  const state: { answer: Answer | undefined } = { answer: noRoute };
  const others = sampleAnswers(repository);
  const withApi = answersWithReferrers(repository);
  const fallback: Answer = async (request, response) => {
    const path = request.url ?? '';
    const send = async (answer: Answer) => {
      if (typeof answer === 'function') return answer(request, response);
      response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
    };
    if (path === '/v2/') return send(json({}));
    return send(path.includes('/referrers/') ? (state.answer ?? withApi) : others);
  };
  const scene = await opened.stage.open({ repository, upstream: { fallback }, remote });
  const { requests } = scene.upstream;
  const host: Host = Object.assign(state, scene, {
    async asked(work = () => syncOf(scene)) {
      requests.length = 0;
      await work();
      const referrers = requests.filter(({ path }) => path.includes('/referrers/')).length;
      return { referrers, base: requests.filter(({ path }) => path === '/v2/').length };
    },
  });
  return host;
}

async function syncOf({ ids }: Pick<Scene, 'ids'>, direct = opened.direct): Promise<void> {
  expect(await direct.run(ids, true)).toBe(undefined);
}

/** Another repository that mirrors the same upstream repository. */
async function addRemote({ upstream }: Scene, remote: Partial<Remote> = {}): Promise<Pick<Scene, 'ids'>> {
  const ids = await opened.stage.harness.createRepository({ url: upstream.url, upstreamName, ...remote });
  return { ids };
}

async function verdicts({ upstream }: Scene): Promise<Record<string, string>> {
  const found = await sql<{ capability: string; verdict: string }>`
    select capability, verdict from host_capability where host = ${new URL(upstream.url).host}`.execute(
    kysely(em()),
  );
  return Object.fromEntries(found.rows.map(({ capability, verdict }) => [capability, verdict]));
}

const everything = { referrers: manifests, base: 1 };
const remembered = { referrers: 1, base: 0 };

test('two syncs of a repository are believed; each later one asks for one manifest', async () => {
  const host = await openHost();
  expect(await host.asked()).toEqual(everything);
  expect(await verdicts(host)).toEqual({ REFERRERS: 'SUSPECTED', SIGNATURES: 'SUSPECTED' });
  expect(await host.asked()).toEqual(everything);
  expect(await verdicts(host)).toEqual({ REFERRERS: 'ABSENT', SIGNATURES: 'ABSENT' });
  expect(await host.asked()).toEqual(remembered);
  expect(await host.asked()).toEqual(remembered);
});

test('the syncs of two repositories are believed', async () => {
  const host = await openHost();
  const other = await addRemote(host);
  await host.asked();
  expect(await host.asked(() => syncOf(other))).toEqual(everything);
  expect(await host.asked()).toEqual(remembered);
  expect(await host.asked(() => syncOf(other))).toEqual(remembered);
});

test('a look is a second opinion, and sends what a sync sends', async () => {
  const host = await openHost();
  await host.asked();
  const scheduleId = await addSchedule(host);
  const look = async () => expect(await opened.direct.look(scheduleId)).toBe(true);
  expect(await host.asked(look)).toEqual(everything);
  const sent = async (work: () => Promise<unknown>) => {
    await host.asked(work);
    return host.upstream.requests.map(({ method, path }) => `${method} ${path}`).sort();
  };
  const bySync = await sent(() => syncOf(host));
  expect(bySync.filter((request) => request.includes('/referrers/'))).toHaveLength(1);
  expect(await sent(look)).toEqual(bySync);
});

test.each<[string, (host: Host) => Answer | undefined]>([
  ['lists referrers', () => undefined],
  ['answers that it has no such manifest', () => json({ errors: [{ code: 'MANIFEST_UNKNOWN' }] }, {}, 404)],
  ['refuses', () => ({ status: 403 })],
])('a registry that %s is asked for every manifest again, in the same sync', async (_, answerOf) => {
  const host = await openHost();
  await host.asked();
  await host.asked();
  host.answer = answerOf(host);
  expect((await host.asked()).referrers).toBe(manifests);
  expect((await verdicts(host))['REFERRERS']).not.toBe('ABSENT');
  host.answer = noRoute;
  expect((await host.asked()).referrers).toBe(manifests);
});

test('a new signature at an upgraded registry is taken by the next sync', async () => {
  const host = await openHost();
  await host.asked();
  await host.asked();
  host.answer = undefined;
  const referrer = signByReferrer(host.repository, imageOf(host), 'new');
  await host.asked();
  const content = await opened.stage.harness.content(host.ids.repositoryId, 2, 'manifest');
  expect(content).toContain(referrer.digest);
  expect(await verdicts(host)).toMatchObject({ REFERRERS: 'PRESENT' });
});

test('a registry that has listed once is not taken for one without the API', async () => {
  const host = await openHost();
  host.answer = undefined;
  await host.asked();
  host.answer = noRoute;
  for (let sync = 0; sync < 3; sync += 1) expect((await host.asked()).referrers).toBe(manifests);
  expect(await verdicts(host)).toMatchObject({ REFERRERS: 'PRESENT' });
});

test('a remembered absence is no answer of the host: while it is silent, one look asks it', async () => {
  const host = await openHost({ maxRetries: 0 });
  const other = await addRemote(host, { maxRetries: 0 });
  await syncOf(host);
  await syncOf(other);
  expect(await verdicts(host)).toEqual({ REFERRERS: 'ABSENT', SIGNATURES: 'ABSENT' });
  const schedules = [await addSchedule(host), await addSchedule(other)];
  const list = `GET /v2/${upstreamName}/tags/list`;
  host.upstream.on(list, ({ socket }) => void socket.destroy());
  host.upstream.requests.length = 0;
  expect(await Promise.all(schedules.map((id) => opened.direct.look(id)))).toEqual([false, false]);
  expect(host.upstream.requestsOf(list)).toHaveLength(1);
});

test('a fallback tag is read where the API is remembered as absent', async () => {
  const host = await openHost();
  await host.asked();
  await host.asked();
  const subject = imageOf(host);
  const signature = signByReferrer(host.repository, subject, 'fallback');
  addIndex(host.repository, { manifests: [signature], tag: companionName(subject) });
  expect(await host.asked()).toEqual(remembered);
  const content = await opened.stage.harness.content(host.ids.repositoryId, 2, 'manifest');
  expect(content).toContain(signature.digest);
});

test('an absence that has expired is asked about again, by another worker too', async () => {
  const host = await openHost();
  await host.asked();
  await host.asked();
  const other = openDirectSync(opened.stage.harness);
  expect(await host.asked(() => syncOf(host, other))).toEqual(remembered);
  await other.close();
  await sql`update host_capability set expires_at = clock_timestamp() where host = ${new URL(host.upstream.url).host}`.execute(
    kysely(em()),
  );
  const third = openDirectSync(opened.stage.harness);
  expect(await host.asked(() => syncOf(host, third))).toEqual(everything);
  expect(await verdicts(host)).toEqual({ REFERRERS: 'SUSPECTED', SIGNATURES: 'SUSPECTED' });
  await third.close();
});

test.each<[string, Partial<Remote>]>([
  ['no TLS check', { sslValidation: false }],
  ['another user', { username: 'someone' }],
  ['a proxy', { proxyUrl: 'http://127.0.0.1:9' }],
])('a remote with %s neither tells others nor is told', async (_, settings) => {
  const host = await openHost();
  await host.asked();
  await host.asked();
  const other = await addRemote(host, settings);
  const scopes = await sql<{ n: number }>`
    select count(distinct scope)::int as n from host_capability where host = ${new URL(host.upstream.url).host}`.execute(
    kysely(em()),
  );
  expect(scopes.rows).toEqual([{ n: 1 }]);
  if (settings.proxyUrl === undefined) expect(await host.asked(() => syncOf(other))).toEqual(everything);
  else expect(await opened.direct.run(other.ids, true)).toBe('PROXY_FAILED');
});

function imageOf({ repository }: Scene): Descriptor {
  const digest = repository.tags.get('good');
  const image = digest && repository.manifests.get(digest);
  if (!image) throw new Error('the sample has an image');
  return { digest: image.digest, mediaType: image.mediaType, size: image.bytes.length };
}

const addSchedule = ({ ids }: Pick<Scene, 'ids'>): Promise<number> =>
  insertSchedule(em(), { repositoryId: ids.repositoryId, mirror: true });
