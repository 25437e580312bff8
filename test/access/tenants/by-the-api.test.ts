/** What one tenant learns and changes by naming what another has, beside something of their own: what naming nothing gives. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getNamedType, isObjectType, isLeafType, isRequiredArgument, isInterfaceType } from 'graphql';
import type { GraphQLField, GraphQLObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApiSchema } from '../../../src/api/graphql/build-schema.ts';
import { openUploadFolder } from '../../../src/content/folder/upload-folder.ts';
import { digestOf } from '../../support/api/content.ts';
import { startAccessScene } from '../support/scene.ts';
import type { AccessScene, Things } from '../support/scene.ts';
import { mutation, text, marker, otherTenant } from './others.ts';
import { rows } from './strange-inputs.ts';

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

/** Like what was given, of nothing. */
function nothingLike(named: string): string {
  if (named.startsWith('sha256:')) return digestOf('named by nobody');
  const [type = '', ...key] = Buffer.from(named, 'base64url').toString().split(':');
  return Buffer.from([type, '999999999', ...key.slice(1)].join(':')).toString('base64url');
}

const { othersState } = otherTenant(() => ({ scene, others, othersBlob }));

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
