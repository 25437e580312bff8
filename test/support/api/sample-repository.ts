/** A repository with an index of two images, a plain image and an untagged one, as its first version; and what a version holds. */
import { toGlobalId } from '../../../src/operations/global-id.ts';
import type { ApiUnderTest } from './api-server.ts';
import {
  digestOf,
  insertBlob,
  insertManifest,
  insertMember,
  insertRepository,
  insertTag,
  insertVersion,
} from './content.ts';

export interface SampleContent {
  /** Has `list` (the index of `amd` and `arm`), `plain` and `also` (one image), and the untagged image `loose`. */
  readonly repositoryId: number;
  readonly versionId: string;
  readonly digests: Readonly<Record<'list' | 'amd' | 'arm' | 'plain' | 'loose', string>>;
}

/** @param seed Tells the content of one sample from that of others. */
export async function insertSample(api: ApiUnderTest, name: string, seed = name): Promise<SampleContent> {
  const blob = (text: string) => insertBlob(api, `${seed} ${text}`, 100);
  const [base, amdConfig, armConfig, plainConfig, looseConfig] = [
    await blob('base'),
    await blob('amd config'),
    await blob('arm config'),
    await blob('plain config'),
    await blob('loose config'),
  ];
  const image = (text: string, ...blobs: number[]) =>
    insertManifest(api, { name: `${seed} ${text}`, blobs: blobs.map((id) => [id, 100]) });
  const amd = await image('amd', amdConfig, base);
  const arm = await image('arm', armConfig, base);
  const plain = await image('plain', plainConfig, base);
  const loose = await image('loose', looseConfig);
  const list = await insertManifest(api, { name: `${seed} list`, children: [amd, arm] });
  const repositoryId = await insertRepository(api, name);
  await insertVersion(api, repositoryId, 1, {
    present: { blobs: 5, manifests: 5, tags: 3 },
    added: { blobs: 5, manifests: 5, tags: 3 },
  });
  const range = { repositoryId, addedIn: 1 };
  await insertTag(api, range, 'list', list);
  await insertTag(api, range, 'plain', plain);
  await insertTag(api, range, 'also', plain);
  const looseDigest = digestOf(`${seed} loose`);
  await api.sql(
    'insert into root_membership (repository_id, manifest_id, name, added_in) values ($1, $2, $3, 1)',
    [repositoryId, loose, looseDigest],
  );
  for (const id of [list, amd, arm, plain, loose]) await insertMember(api, range, 'manifest', id);
  for (const id of [base, amdConfig, armConfig, plainConfig, looseConfig])
    await insertMember(api, range, 'blob', id);
  const digest = (text: string) => digestOf(`${seed} ${text}`);
  return {
    repositoryId,
    versionId: toGlobalId('RepositoryVersion', repositoryId, 1),
    digests: {
      list: digest('list'),
      amd: digest('amd'),
      arm: digest('arm'),
      plain: digest('plain'),
      loose: looseDigest,
    },
  };
}

export interface HeldContent {
  readonly tags: Record<string, string>;
  /** Digests, sorted. */
  readonly manifests: readonly string[];
  readonly blobs: readonly string[];
  readonly roots: readonly string[];
}

/** What a version holds by its rows; without a number the latest. */
export async function readContent(
  api: ApiUnderTest,
  repositoryId: number,
  number?: number,
): Promise<HeldContent> {
  const [version] = await api.sql('select coalesce($2, latest) as number from repository where id = $1', [
    repositoryId,
    number ?? null,
  ]);
  const parameters = [repositoryId, Number(version?.['number'])];
  const isIn = 'p.repository_id = $1 and p.added_in <= $2 and (p.removed_in is null or p.removed_in > $2)';
  const tags = await api.sql(
    `select p.name, m.digest from tag_membership p join manifest m on m.id = p.manifest_id where ${isIn}`,
    parameters,
  );
  const digests = async (table: 'manifest' | 'blob') =>
    (
      await api.sql(
        `select c.digest from membership p join ${table} c on c.id = p.content_id where p.kind = '${table}' and ${isIn}`,
        parameters,
      )
    )
      .map((row) => String(row['digest']))
      .sort();
  const roots = await api.sql(
    `select p.name, m.digest from root_membership p join manifest m on m.id = p.manifest_id where ${isIn}`,
    parameters,
  );
  return {
    tags: Object.fromEntries(tags.map((row) => [String(row['name']), String(row['digest'])])),
    manifests: await digests('manifest'),
    blobs: await digests('blob'),
    roots: roots.map((row) => `${String(row['name'])} ${String(row['digest'])}`).sort(),
  };
}
