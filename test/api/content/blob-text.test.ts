/** `Blob.text`: small stored documents, within the budget of one answer, for those who may read them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createToken } from '../../../src/access/token.ts';
import { parseDigest } from '../../../src/oci/digest.ts';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { createMemoryStore } from '../../content/memory-store.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import {
  digestOf,
  insertBlob,
  insertMember,
  insertRepository,
  insertVersion,
} from '../../support/api/content.ts';

const store = createMemoryStore();
let api: ApiUnderTest;
let root: string;
let reader: string;
let repositoryId: number;

async function makeToken(name: string, scope: string): Promise<string> {
  const made = await createToken(api.database.em.fork(), {
    name,
    expiresInDays: 1,
    grants: [{ role: 'reader', scope }],
  });
  return made?.text ?? '';
}

/** @returns the id of a blob of the repository with this content. */
async function addBlob(
  content: string,
  sizeBytes: number | null = Buffer.byteLength(content),
): Promise<string> {
  const id = await insertBlob(api, content, sizeBytes);
  await insertMember(api, { repositoryId, addedIn: 1 }, 'blob', id);
  const bytes = Buffer.from(content);
  await store.push(
    { digest: parseDigest(digestOf(content)), size: bytes.length, mediaType: 'text/plain' },
    { fetch: () => Promise.resolve({ offset: 0, bytes: chunks(bytes) }) },
  );
  return toGlobalId('Blob', id);
}

async function* chunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

beforeAll(async () => {
  api = await startApi({ blobs: store, logins: { tokens: true, oidc: undefined } });
  repositoryId = await insertRepository(api, 'texts/one', 1);
  await insertVersion(api, repositoryId, 1);
  root = await makeToken('root', '*');
  reader = await makeToken('reader', 'other/*');
});
afterAll(() => api?.close());

async function textOf(id: string, token: string): Promise<unknown> {
  const query = 'query ($id: ID!) { node(id: $id) { ... on Blob { text } } }';
  const { data, errors } = await api.graphql(query, { id }, token);
  expect(errors).toBeUndefined();
  return (data as { node: { text: string | null } | null }).node;
}

test('is the content as text', async () => {
  const config = '{"config":{"Env":["PATH=/bin"],"Labels":{"name":"Grüße"}}}';
  const id = await addBlob(config);
  expect(await textOf(id, root)).toEqual({ text: config });
  expect(await textOf(id, reader)).toBeNull();
});

test('is null for what is not stored, or gone', async () => {
  expect(await textOf(await addBlob('claimed only', null), root)).toEqual({ text: null });
  const gone = await addBlob('gone');
  await store.delete({ digest: parseDigest(digestOf('gone')) });
  expect(await textOf(gone, root)).toEqual({ text: null });
});

test('is null for more than 4 MiB, which are not read', async () => {
  // the store has fewer bytes, so a read would show
  const id = await addBlob('large by its row', 4 * 1024 * 1024 + 1);
  expect(await textOf(id, root)).toEqual({ text: null });
});

const version = (alias: string) =>
  `${alias}: node(id: "${toGlobalId('RepositoryVersion', repositoryId, 1)}") { ... on RepositoryVersion {
    blobs(first: 100) { nodes { text } } } }`;

test('one answer has a budget, towards which small blobs count too', async () => {
  const first = await addBlob('small 0');
  for (let count = 1; count < 90; count += 1) await addBlob(`small ${count}`);
  expect(await textOf(first, root)).toEqual({ text: 'small 0' });
  const one = await api.graphql(`{ ${version('a')} }`, {}, root);
  expect(one.errors).toBeUndefined();
  const several = await api.graphql(`{ ${['a', 'b', 'c'].map(version).join(' ')} }`, {}, root);
  expect(several.errors?.[0]?.extensions).toEqual({ code: 'QUERY_TOO_COMPLEX' });
});
