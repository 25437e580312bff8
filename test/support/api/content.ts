/** Rows of content and versions, written by hand past the API. */
import { createHash } from 'node:crypto';
import type { ApiUnderTest } from './api-server.ts';

export function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

async function insertId(api: ApiUnderTest, statement: string, values: readonly unknown[]): Promise<number> {
  const [row] = await api.sql(statement, values);
  return Number(row?.['id']);
}

export function insertRepository(api: ApiUnderTest, name: string, latest = 0): Promise<number> {
  return insertId(
    api,
    `with made as (insert into repository (name, latest) values ($1, $2) returning id, name)
     insert into distribution (base_path, repository_id) select name, id from made returning repository_id as id`,
    [name, latest],
  );
}

/** @param sizeBytes Null: only claimed by a manifest, not stored. */
export function insertBlob(api: ApiUnderTest, name: string, sizeBytes: number | null): Promise<number> {
  return insertId(
    api,
    'insert into blob (digest, size_bytes, stored_at) values ($1, $2::bigint, case when $2::bigint is null then null else now() end) returning id',
    [digestOf(name), sizeBytes],
  );
}

export interface ManifestInsert {
  readonly name: string;
  /** Ids of blobs with the size that the manifest claims; the first is the config. */
  readonly blobs?: readonly (readonly [id: number, sizeBytes: number])[];
  readonly children?: readonly number[];
  readonly isStored?: boolean;
}

export async function insertManifest(api: ApiUnderTest, manifest: ManifestInsert): Promise<number> {
  const { name, blobs = [], children = [], isStored = true } = manifest;
  const raw = isStored ? Buffer.from(name) : null;
  const id = await insertId(
    api,
    `insert into manifest (digest, kind, media_type, size_bytes, raw) values ($1, $2, 'application/vnd.oci.image.manifest.v1+json', $3, $4) returning id`,
    [digestOf(name), children.length > 0 ? 'index' : 'image', raw?.length ?? null, raw],
  );
  for (const [position, [blobId, sizeBytes]] of blobs.entries())
    await api.sql(
      'insert into manifest_blob (manifest_id, position, blob_id, role, media_type, size_bytes) values ($1, $2, $3, $4, $5, $6)',
      [
        id,
        position,
        blobId,
        position === 0 ? 'config' : 'layer',
        position === 0 ? 'application/config' : 'application/layer',
        sizeBytes,
      ],
    );
  for (const [position, child] of children.entries())
    await api.sql('insert into manifest_manifest (parent_id, position, child_id) values ($1, $2, $3)', [
      id,
      position,
      child,
    ]);
  return id;
}

export interface CountsInsert {
  readonly present?: Partial<Record<'blobs' | 'manifests' | 'tags' | 'signatures', number>>;
  readonly added?: Partial<Record<'blobs' | 'manifests' | 'tags' | 'signatures', number>>;
  readonly removed?: Partial<Record<'blobs' | 'manifests' | 'tags' | 'signatures', number>>;
}

export async function insertVersion(
  api: ApiUnderTest,
  repositoryId: number,
  number: number,
  counts: CountsInsert = {},
): Promise<void> {
  const none = { blobs: 0, manifests: 0, tags: 0, signatures: 0 };
  const full = {
    present: { ...none, ...counts.present },
    added: { ...none, ...counts.added },
    removed: { ...none, ...counts.removed },
  };
  await api.sql('insert into repository_version (repository_id, number, counts) values ($1, $2, $3)', [
    repositoryId,
    number,
    JSON.stringify(full),
  ]);
  await api.sql('update repository set latest = greatest(latest, $2) where id = $1', [repositoryId, number]);
}

/** A range: in the repository since version `addedIn`, until `removedIn`. */
export interface RangeInsert {
  readonly repositoryId: number;
  readonly addedIn: number;
  readonly removedIn?: number;
}

export async function insertTag(
  api: ApiUnderTest,
  range: RangeInsert,
  name: string,
  manifestId: number,
): Promise<void> {
  await api.sql(
    'insert into tag_membership (repository_id, name, manifest_id, added_in, removed_in) values ($1, $2, $3, $4, $5)',
    [range.repositoryId, name, manifestId, range.addedIn, range.removedIn ?? null],
  );
}

export async function insertMember(
  api: ApiUnderTest,
  range: RangeInsert,
  kind: 'manifest' | 'blob' | 'signature',
  contentId: number,
): Promise<void> {
  await api.sql(
    'insert into membership (repository_id, kind, content_id, added_in, removed_in) values ($1, $2, $3, $4, $5)',
    [range.repositoryId, kind, contentId, range.addedIn, range.removedIn ?? null],
  );
}

export function insertTask(
  api: ApiUnderTest,
  repositoryId: number | null,
  state = 'WAITING',
  remoteId: number | null = null,
): Promise<number> {
  return insertId(
    api,
    `insert into task (name, state, repository_id, remote_id, workflow_id, error_code, error_message, arguments)
     values ('repository.sync', $1, $2, $3, $4, $5, $6, '{"mirror": true, "confirmRemoval": false, "dryRun": true}') returning id`,
    [
      state,
      repositoryId,
      remoteId,
      `sync/${repositoryId}`,
      state === 'FAILED' ? 'UPSTREAM_DOWN' : null,
      state === 'FAILED' ? 'It was down.' : null,
    ],
  );
}
