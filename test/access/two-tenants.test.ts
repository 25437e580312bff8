/** What one tenant learns and changes by naming what another has, beside something of their own: what naming nothing gives. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getNamedType, isObjectType, isLeafType, isRequiredArgument, isInterfaceType } from 'graphql';
import type { GraphQLField, GraphQLObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { visibilityOf } from '../../src/access/viewer.ts';
import { buildApiSchema } from '../../src/api/graphql/build-schema.ts';
import { toGlobalId } from '../../src/operations/global-id.ts';
import { readTasks } from '../../src/db/reads/read-tasks.ts';
import { openUploadFolder } from '../../src/content/folder/upload-folder.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import { pull } from '../support/api/pull.ts';
import { digestOf, insertTask } from '../support/api/content.ts';
import { startAccessScene } from './support/scene.ts';
import type { AccessScene, Things } from './support/scene.ts';

const marker = 'marked-tenant';
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

const text = (value: string): string => JSON.stringify(value);
const mutation = (name: string, input: string): string =>
  `mutation { ${name}(input: { ${input} }) { userErrors { code field message } } }`;

/** A way in that takes something of the caller's and something that is another's; of GraphQL. */
interface Row {
  readonly name: string;
  readonly kind: keyof Things;
  readonly ask: (own: Things, named: string) => string;
}

const rows: readonly Row[] = [
  {
    name: 'copy',
    kind: 'versionId',
    ask: (own, named) =>
      mutation(
        'repositoryCopyContent',
        `repositoryId: ${text(own.repositoryId)}, sourceVersionId: ${text(named)}`,
      ),
  },
  {
    name: 'tag',
    kind: 'digest',
    ask: (own, named) =>
      mutation(
        'repositoryTag',
        `repositoryId: ${text(own.repositoryId)}, tag: "mine", digest: ${text(named)}`,
      ),
  },
  {
    name: 'remove',
    kind: 'digest',
    ask: (own, named) =>
      mutation(
        'repositoryRemoveContent',
        `repositoryId: ${text(own.repositoryId)}, digests: [${text(named)}]`,
      ),
  },
  {
    name: 'restore',
    kind: 'versionId',
    ask: (_, named) => mutation('repositoryRestoreVersion', `versionId: ${text(named)}`),
  },
  {
    name: 'sync with a remote',
    kind: 'remoteId',
    ask: (own, named) =>
      mutation(
        'repositorySync',
        `repositoryId: ${text(own.repositoryId)}, remoteId: ${text(named)}, dryRun: true`,
      ),
  },
  {
    name: 'sync of a repository',
    kind: 'repositoryId',
    ask: (own, named) =>
      mutation(
        'repositorySync',
        `repositoryId: ${text(named)}, remoteId: ${text(own.remoteId)}, dryRun: true`,
      ),
  },
  {
    name: 'a remote of a repository',
    kind: 'remoteId',
    ask: (own, named) =>
      mutation('repositoryUpdate', `id: ${text(own.repositoryId)}, remoteId: ${text(named)}`),
  },
  {
    name: 'a schedule with a remote',
    kind: 'remoteId',
    ask: (own, named) => mutation('scheduleUpdate', `id: ${text(own.scheduleId)}, remoteId: ${text(named)}`),
  },
  {
    name: 'a schedule of a repository',
    kind: 'repositoryId',
    ask: (own, named) =>
      mutation(
        'scheduleCreate',
        `repositoryId: ${text(named)}, remoteId: ${text(own.remoteId)}, intervalSeconds: 31622400`,
      ),
  },
  {
    name: 'a distribution of a repository',
    kind: 'repositoryId',
    ask: (own, named) =>
      mutation('distributionCreate', `basePath: ${text(own.freeName)}, repositoryId: ${text(named)}`),
  },
  {
    name: 'a distribution of a version',
    kind: 'versionId',
    ask: (own, named) =>
      mutation('distributionCreate', `basePath: ${text(own.freeName)}, versionId: ${text(named)}`),
  },
  {
    name: 'where a distribution points',
    kind: 'versionId',
    ask: (own, named) =>
      mutation('distributionPoint', `id: ${text(own.distributionId)}, versionId: ${text(named)}`),
  },
  {
    name: 'a signature policy',
    kind: 'signaturePolicyId',
    ask: (own, named) =>
      mutation('repositoryUpdate', `id: ${text(own.repositoryId)}, signaturePolicyId: ${text(named)}`),
  },
  {
    name: 'a credential',
    kind: 'credentialId',
    ask: (own, named) => mutation('remoteUpdate', `id: ${text(own.remoteId)}, credentialId: ${text(named)}`),
  },
  ...(
    [
      ['remoteUpdate', 'remoteId'],
      ['mirrorRuleUpdate', 'mirrorRuleId'],
      ['proxyUpdate', 'proxyId'],
    ] as const
  ).map(([change, id]): Row => ({
    name: `a credential of a fallback in ${change}`,
    kind: 'credentialId',
    ask: (own, named) =>
      mutation(
        change,
        `id: ${text(own[id])}, fallbacks: [{ url: "https://a.example", credentialId: ${text(named)} }]`,
      ),
  })),
  ...(['from', 'to'] as const).map((side): Row => ({
    name: `a difference ${side} a version`,
    kind: 'versionId',
    ask: (own, named) =>
      `{ versionDiff(${side}: ${text(named)}, ${side === 'from' ? 'to' : 'from'}: ${text(own.versionId)}) {
        tags(first: 10) { totalCount } } }`,
  })),
];

interface Mount {
  readonly digest: string;
  readonly from: string | undefined;
}

/** Like what was given, of nothing. */
function nothingLike(named: string): string {
  if (named.startsWith('sha256:')) return digestOf('named by nobody');
  const [type = '', ...key] = Buffer.from(named, 'base64url').toString().split(':');
  return Buffer.from([type, '999999999', ...key.slice(1)].join(':')).toString('base64url');
}

/** Every row of the other tenant's, whatever table it is in. */
async function othersState(): Promise<string> {
  const [row] = await scene.api.sql(
    `select md5(string_agg(line, ',' order by line)) as state from (
       select r::text as line from repository r where name ^@ $1
       union all select d::text from distribution d where base_path ^@ $1
       union all select x::text from remote x where name ^@ $1
       union all select c::text from credential c where name ^@ $1
       union all select p::text from signature_policy p where name ^@ $1
       union all select p::text from proxy p where name ^@ $1
       union all select t::text from task t join repository r on r.id = t.repository_id where r.name ^@ $1
       union all select s::text from schedule s join repository r on r.id = s.repository_id where r.name ^@ $1
       union all select m::text from membership m join repository r on r.id = m.repository_id where r.name ^@ $1
       union all select m::text from tag_membership m join repository r on r.id = m.repository_id where r.name ^@ $1
     ) as lines`,
    [marker],
  );
  return String(row?.['state']);
}

describe.each(rows)('by the API: $name', ({ kind, ask }) => {
  test('objects of another tenant are absent, and stay unchanged', async () => {
    const own = await scene.makeThings('team');
    const before = await othersState();
    const named = others[kind];
    for (const role of ['reader', 'pusher', 'maintainer', 'admin'] as const) {
      const answers = [];
      for (const one of [named, nothingLike(named)]) {
        const answer = await scene.api.graphql(ask(own, one), {}, scene.tokens[role]);
        answers.push([answer.status, answer.text.replaceAll(one, '<named>')]);
      }
      expect(answers[0]).toEqual(answers[1]);
    }
    expect(await othersState()).toBe(before);
  });
});

test('a fallback with a credential of another tenant stays, and sends it nowhere else', async () => {
  const own = await scene.makeThings('team');
  const key = Number(Buffer.from(others.credentialId, 'base64url').toString().split(':')[1]);
  const fallback = { url: 'https://a.example', credentialId: key };
  await scene.api.sql('update remote set fallbacks = $1::jsonb where name = $2', [
    JSON.stringify([fallback]),
    own.name,
  ]);
  const place = (url: string, more = '') =>
    `{ url: ${text(url)}, credentialId: ${text(others.credentialId)}${more} }`;
  const update = async (...fallbacks: string[]) => {
    const input = `id: ${text(own.remoteId)}, fallbacks: [${fallbacks.join(', ')}]`;
    const { data } = await scene.api.graphql(mutation('remoteUpdate', input), {}, scene.tokens['maintainer']);
    return (data.remoteUpdate.userErrors as { code: string; field: string[] }[]).map(({ field }) => field);
  };
  const kept = place('https://a.example');
  expect(await update(kept, '{ url: "https://b.example" }')).toEqual([]);
  const refused = [['fallbacks', '0', 'credentialId']];
  expect(await update(place('https://c.example'), kept)).toEqual(refused);
  expect(await update(place('https://a.example', ', sslValidation: false'))).toEqual(refused);
  expect(await update(place('https://a.example', ', proxyUrl: "http://p.example"'))).toEqual(refused);
});

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

/** Fields to a depth; of lists with pages, ten each. Fields that need an argument besides are left out. */
function selection(type: GraphQLObjectType, depth: number): string {
  const parts = Object.values(type.getFields()).flatMap((field) => {
    const called = callOf(field);
    if (called === undefined) return [];
    const named = getNamedType(field.type);
    if (isLeafType(named)) return [called];
    if (depth === 0 || !isObjectType(named)) return [];
    const below = selection(named, named.name.endsWith('Connection') ? depth : depth - 1);
    return below === '' ? [] : [`${called} { ${below} }`];
  });
  return parts.filter((part) => !part.startsWith('edges')).join(' ');
}

function callOf(field: GraphQLField<unknown, unknown>): string | undefined {
  const isPaged = field.args.some(({ name }) => name === 'first');
  if (field.args.some((argument) => argument.name !== 'first' && isRequiredArgument(argument)))
    return undefined;
  return isPaged ? `${field.name}(first: 2)` : field.name;
}

/** The root's fields with each id and name that may be given. */
function questions(things: readonly Things[]): string[] {
  const schema = buildApiSchema();
  const query = schema.getQueryType();
  if (!query) throw new Error('there are no queries');
  const values = things.flatMap((one) => Object.values(one).map(String));
  const ids = values.filter((value) => typeOf(value) in schema.getTypeMap());
  const names = values.filter((value) => !ids.includes(value));
  return Object.values(query.getFields()).flatMap((field) => {
    const named = getNamedType(field.type);
    if (isInterfaceType(named))
      return schema
        .getPossibleTypes(named)
        .flatMap((type) =>
          ids
            .filter((id) => typeOf(id) === type.name)
            .map((id) => `{ node(id: ${text(id)}) { id ... on ${type.name} { ${selection(type, 2)} } } }`),
        );
    if (!isObjectType(named)) return [];
    const below = selection(named, 2);
    if (field.args.some(({ name }) => name === 'first')) return [`{ ${field.name}(first: 10) { ${below} } }`];
    const keys = field.args.filter(({ name }) => ['id', 'name', 'basePath'].includes(name));
    return keys.flatMap(({ name }) =>
      (name === 'id' ? ids.filter((id) => typeOf(id) === named.name) : names).map(
        (value) => `{ ${field.name}(${name}: ${text(value)}) { ${below} } }`,
      ),
    );
  });
}

/** The type that an id is of. */
function typeOf(id: string): string {
  return Buffer.from(id, 'base64url').toString().split(':')[0] ?? '';
}

test.each(['reader', 'pusher', 'maintainer', 'admin'] as const)(
  'a crawl of the schema as %s of one tenant finds nothing of the other',
  async (role) => {
    const own = await scene.makeThings('team');
    const asked = [...new Set(questions([own, others]))];
    expect(asked.length).toBeGreaterThan(50);
    const marks = [marker, others.digest, othersBlob];
    let answered = 0;
    for (const query of asked) {
      const { text: told, data } = await scene.api.graphql(query, {}, scene.tokens[role]);
      // what was asked for comes back in messages; what was not asked for does not
      const unasked = marks.filter((mark) => !query.includes(mark) && told.includes(mark));
      expect([query, unasked]).toEqual([query, []]);
      if (
        data !== undefined &&
        data !== null &&
        Object.values(data as object).some((value) => value !== null)
      )
        answered += 1;
    }
    expect(answered).toBeGreaterThan(10);
  },
);
