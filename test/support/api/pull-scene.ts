/** The Distribution API over a blob folder; repositories are published past the sync, which has its own tests. Temporal is not there. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFolderStore } from '../../../src/content/folder/folder-store.ts';
import type { BlobStore } from '../../../src/content/store.ts';
import { storeManifests } from '../../../src/db/content/store-manifests.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { parseManifest } from '../../../src/oci/manifest/manifest-parse.ts';
import { startApi } from './api-server.ts';
import type { ApiUnderTest } from './api-server.ts';
import { insertRepository, insertVersion } from './content.ts';

export interface PullScene {
  readonly api: ApiUnderTest;
  readonly store: BlobStore;
  /** Of the blob store. */
  readonly folder: string;
  /** Makes what the sample holds the repository's next version, the repository too where it is new; answers the number. */
  publish(name: string, sample: SampleRepository): Promise<number>;
  close(): Promise<void>;
}

export async function startPullScene(): Promise<PullScene> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-pull-'));
  const store = await openFolderStore({ root: folder, fsync: false });
  const api = await startApi({ blobs: store, temporalAddress: '127.0.0.1:9' });
  return {
    api,
    store,
    folder,
    async publish(name, sample) {
      await storeSample({ api, store }, sample);
      const [row] = await api.sql('select id, latest from repository where name = $1', [name]);
      const repositoryId = row === undefined ? await insertRepository(api, name) : Number(row['id']);
      const version = Number(row?.['latest'] ?? 0) + 1;
      await insertVersion(api, repositoryId, version);
      for (const kind of ['manifest', 'blob'] as const)
        await setMembers(api, { repositoryId, version }, kind, [...sample[`${kind}s`].keys()]);
      await setTags(api, { repositoryId, version }, sample.tags);
      return version;
    },
    async close() {
      await api.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function storeSample(
  { api, store }: Pick<PullScene, 'api' | 'store'>,
  sample: SampleRepository,
): Promise<void> {
  const em = api.database.em.fork();
  const manifests = [...sample.manifests.values()].map((document) => ({
    document,
    parsed: parseManifest(document.bytes, document.mediaType),
  }));
  await storeManifests(em, manifests);
  for (const [digest, bytes] of sample.blobs) {
    const descriptor = { digest, size: bytes.length, mediaType: 'application/octet-stream' };
    await store.push(descriptor, {
      fetch: () => Promise.resolve({ offset: 0, bytes: oneChunk(bytes) }),
    });
    await api.sql(
      `insert into blob (digest, size_bytes, stored_at) values ($1, $2, now())
       on conflict (digest) do update set size_bytes = $2, stored_at = now()`,
      [digest, bytes.length],
    );
  }
}

interface Place {
  readonly repositoryId: number;
  readonly version: number;
}

async function setMembers(
  api: ApiUnderTest,
  { repositoryId, version }: Place,
  kind: 'manifest' | 'blob',
  digests: readonly string[],
): Promise<void> {
  const present = `select id from ${kind} where digest = any($4)`;
  await api.sql(
    `update membership set removed_in = $2 where repository_id = $1 and kind = $3 and removed_in is null
     and content_id not in (${present})`,
    [repositoryId, version, kind, digests],
  );
  await api.sql(
    `insert into membership (repository_id, kind, content_id, added_in)
     select $1, $3, id, $2 from (${present}) as c on conflict do nothing`,
    [repositoryId, version, kind, digests],
  );
}

async function setTags(
  api: ApiUnderTest,
  { repositoryId, version }: Place,
  tags: ReadonlyMap<string, Digest>,
): Promise<void> {
  const wanted = `select w.name, m.id from unnest($3::text[], $4::text[]) as w(name, digest) join manifest m using (digest)`;
  const values = [repositoryId, version, [...tags.keys()], [...tags.values()]];
  await api.sql(
    `update tag_membership t set removed_in = $2 where repository_id = $1 and removed_in is null
     and not exists (select from (${wanted}) w where w.name = t.name and w.id = t.manifest_id)`,
    values,
  );
  await api.sql(
    `insert into tag_membership (repository_id, name, manifest_id, added_in)
     select $1, name, id, $2 from (${wanted}) w on conflict do nothing`,
    values,
  );
}

async function* oneChunk(bytes: Buffer): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
