/** What one tenant learns and changes by naming what another has, beside something of their own: what naming nothing gives. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { visibilityOf } from '../../../src/access/viewer.ts';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { readTasks } from '../../../src/db/reads/read-tasks.ts';
import { openUploadFolder } from '../../../src/content/folder/upload-folder.ts';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { pull } from '../../support/api/pull.ts';
import { digestOf, insertTask } from '../../support/api/content.ts';
import { startAccessScene } from '../support/scene.ts';
import type { AccessScene, Things } from '../support/scene.ts';
import { mutation, text, marker, otherTenant } from './others.ts';

let scene: AccessScene;
let others: Things;
let othersBlob: string;
let folder: string;
/** Uploads are begun here, and none is finished. */
const refuse = () => Promise.reject(new Error('no upload is finished'));
const blobs = { adopt: refuse, exists: refuse };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-tenants-'));
  const uploads = await openUploadFolder({ root: folder, blobs, fsync: false });
  scene = await startAccessScene({ uploads });
  others = await scene.makeThings(marker);
  await scene.api.sql('update repository set description = $1 where name ^@ $2', [`of ${marker}`, marker]);
  await scene.api.sql('update remote set url = $1 where name ^@ $2', [`https://${marker}.example`, marker]);
  const [row] = await scene.api.sql(
    `select b.digest from blob b join membership m on m.kind = 'blob' and m.content_id = b.id
       join repository r on r.id = m.repository_id where r.name = $1 limit 1`,
    [others.name],
  );
  othersBlob = String(row?.['digest']);
});
afterAll(async () => {
  await scene?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Mount {
  readonly digest: string;
  readonly from: string | undefined;
}

const image = (layer: string) => ({
  schemaVersion: 2,
  mediaType: mediaTypes.ociManifest,
  config: { mediaType: mediaTypes.ociConfig, digest: layer, size: 3 },
  layers: [],
});
const index = (child: string) => ({
  schemaVersion: 2,
  mediaType: mediaTypes.ociIndex,
  manifests: [{ mediaType: mediaTypes.ociManifest, digest: child, size: 3 }],
});

const { othersState } = otherTenant(() => ({ scene, others, othersBlob }));

describe('by the registry', () => {
  const absent = digestOf('named by nobody');
  /** Method, path below the own name, and body, of what is named. */
  const ways: readonly (readonly [
    name: string,
    named: 'blob' | 'manifest',
    request: (digest: string) => readonly [method: string, path: string, body?: object],
  ])[] = [
    ['a push of an image', 'blob', (digest) => ['PUT', 'manifests/mine', image(digest)]],
    ['a push of an index', 'manifest', (digest) => ['PUT', 'manifests/mine', index(digest)]],
    ['a pull of a manifest', 'manifest', (digest) => ['GET', `manifests/${digest}`]],
    ['a look for a manifest', 'manifest', (digest) => ['HEAD', `manifests/${digest}`]],
    ['a pull of a blob', 'blob', (digest) => ['GET', `blobs/${digest}`]],
    ['a look for a blob', 'blob', (digest) => ['HEAD', `blobs/${digest}`]],
    ['referrers', 'manifest', (digest) => ['GET', `referrers/${digest}`]],
    ['a deletion of a manifest', 'manifest', (digest) => ['DELETE', `manifests/${digest}`]],
    ['a deletion of a blob', 'blob', (digest) => ['DELETE', `blobs/${digest}`]],
  ];

  test.each(ways)('%s that names another’s is as one that names nothing', async (_, kind, request) => {
    const own = await scene.makeThings('team');
    const before = await othersState();
    const named = kind === 'blob' ? othersBlob : others.digest;
    for (const role of ['reader', 'pusher', 'maintainer', 'admin'] as const) {
      const answers = [];
      for (const digest of [named, absent]) {
        const [method, path, body] = request(digest);
        const answer = await pull(scene.api.url, {
          method,
          path: `/v2/${own.name}/${path}`,
          headers: {
            authorization: `Bearer ${scene.tokens[role]}`,
            ...(body === undefined ? {} : { 'content-type': (body as { mediaType: string }).mediaType }),
          },
          body: body === undefined ? undefined : JSON.stringify(body),
        });
        answers.push([answer.status, answer.body.toString().replaceAll(digest, '<named>')]);
      }
      expect(answers[0]).toEqual(answers[1]);
    }
    expect(await othersState()).toBe(before);
  });
});

describe('a task whose repository is gone', () => {
  interface GoneRow {
    readonly name: string;
    readonly startedBy: (own: number, other: number) => object | null;
    readonly ofOthers?: boolean;
    readonly isSeen: boolean;
  }
  const goneRows: readonly GoneRow[] = [
    { name: 'of the token that asks', startedBy: (id) => ({ kind: 'token', id }), isSeen: true },
    { name: 'of another token', startedBy: (_, id) => ({ kind: 'token', id }), isSeen: false },
    { name: 'of nobody', startedBy: () => null, isSeen: false },
    { name: 'from before logins', startedBy: () => ({ kind: 'everybody' }), isSeen: false },
    {
      name: 'of a subject named like the token',
      startedBy: () => ({ kind: 'subject', subject: 'maintainer', groups: [] }),
      isSeen: false,
    },
    {
      name: 'of the token, while the repository is there and not for it',
      startedBy: (id) => ({ kind: 'token', id }),
      ofOthers: true,
      isSeen: false,
    },
  ];

  async function insertGone({ startedBy, ofOthers }: GoneRow): Promise<number> {
    const ids = await scene.api.sql(
      "select id from access_token where name in ('maintainer', 'admin') order by name desc",
    );
    const [own, other] = ids.map((row) => Number(row['id']));
    const [repository] = await scene.api.sql('select id from repository where name = $1', [others.name]);
    const id = await insertTask(scene.api, ofOthers === true ? Number(repository?.['id']) : null, 'CANCELED');
    const identity = startedBy(own ?? 0, other ?? 0);
    await scene.api.sql('update task set started_by = $1::jsonb where id = $2', [
      identity === null ? null : JSON.stringify(identity),
      id,
    ]);
    return id;
  }

  test.each(goneRows)('$name', async (row) => {
    const key = await insertGone(row);
    const id = toGlobalId('Task', key);
    const asked = async (query: string): Promise<string> =>
      (await scene.api.graphql(query, {}, scene.tokens.maintainer)).text;
    const answers = [
      await asked(`{ task(id: ${text(id)}) { id } }`),
      await asked(`{ node(id: ${text(id)}) { id } }`),
      await asked('{ tasks(first: 100, state: CANCELED) { nodes { id } } }'),
      await asked(
        mutation('taskCancel', `id: ${text(id)}`).replace('{ userErrors', '{ task { id } userErrors'),
      ),
    ];
    expect(answers.map((answer) => answer.includes(`"id":${text(id)}`))).toEqual(
      answers.map(() => row.isSeen),
    );
    const followed = await pull(scene.api.url, {
      method: 'POST',
      path: '/graphql/stream',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${scene.tokens.maintainer}`,
      },
      body: JSON.stringify({ query: `subscription { taskProgress(id: ${text(id)}) { state } }` }),
    });
    expect(followed.body.toString().includes('"state":"CANCELED"')).toBe(row.isSeen);
  });

  test('of an OIDC subject, whatever groups it was in', async () => {
    const id = await insertGone({
      name: '',
      startedBy: () => ({ kind: 'subject', subject: 'alice', groups: ['then'] }),
      isSeen: true,
    });
    const em = scene.api.database.em.fork();
    const seenBy = async (subject: string): Promise<boolean> => {
      const identity = { kind: 'subject', subject, groups: ['now'] } as const;
      const viewer = { kind: 'subject', name: subject, grants: [], expiresAt: undefined, identity } as const;
      return (await readTasks(em, visibilityOf(viewer), [id]))[0] !== undefined;
    };
    expect([await seenBy('alice'), await seenBy('bob')]).toEqual([true, false]);
  });
});

async function mount(into: string, { digest, from }: Mount, token: string | undefined) {
  const answer = await pull(scene.api.url, {
    method: 'POST',
    path: `/v2/${into}/blobs/uploads/?mount=${digest}${from === undefined ? '' : `&from=${from}`}`,
    headers: { authorization: `Bearer ${token}`, 'content-length': '0' },
  });
  const told = JSON.stringify([answer.status, answer.headers, answer.body.toString()]);
  return told
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<upload>')
    .replaceAll(/"date":"[^"]*"/g, '"date":""');
}

describe('a mount across repositories', () => {
  const absent = digestOf('named by nobody');
  const nowhere = `${marker}/nowhere`;

  test('of another’s blob, or from another’s repository, is as one of nothing from nowhere', async () => {
    const own = await scene.makeThings('team');
    const before = await othersState();
    const ways: readonly Mount[] = [
      { digest: absent, from: nowhere },
      { digest: othersBlob, from: others.name },
      { digest: othersBlob, from: others.servedAt },
      { digest: othersBlob, from: nowhere },
      { digest: othersBlob, from: own.name },
      { digest: othersBlob, from: undefined },
      { digest: absent, from: others.name },
    ];
    const ownBlobs = () => scene.api.sql('select digest from blob where digest = $1', [absent]);
    for (const role of ['reader', 'pusher', 'maintainer', 'admin'] as const) {
      const token = scene.tokens[role];
      const answers: [Mount, string][] = [];
      for (const way of ways) answers.push([way, await mount(own.name, way, token)]);
      const [, asNothing = ''] = answers[0] ?? [];
      expect(asNothing).toMatch(role === 'reader' ? /^\[403,/ : /^\[202,/);
      expect(answers).toEqual(ways.map((way) => [way, asNothing]));
      const look = { method: 'HEAD', path: `/v2/${own.name}/blobs/${othersBlob}` };
      const looked = await pull(scene.api.url, { ...look, headers: { authorization: `Bearer ${token}` } });
      expect([role, looked.status]).toEqual([role, 404]);
    }
    expect(await othersState()).toBe(before);
    expect(await ownBlobs()).toEqual([]);
    // for who may read it there, the same request links it
    expect(await mount(own.name, { digest: othersBlob, from: others.name }, scene.tokens.root)).toMatch(
      /^\[201,/,
    );
  });
});
