/** Two tenants on one server with logins on: what `b/*` has, and what `a/*` gets to know of it by naming it. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { createToken } from '../../../src/access/token.ts';
import type { Remote } from '../../../src/db/schema/remotes.ts';
import type { Identity } from '../../../src/db/schema/columns/identity.ts';
import type { Role } from '../../../src/db/access/roles.ts';
import { kysely } from '../../../src/db/sql.ts';
import { addImage, addIndex, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import type { FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import type { HarnessApi } from '../../support/api/harness-api.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { Scene } from '../../support/sync/stage.ts';
import type { SyncHarness } from '../../support/sync/sync-harness.ts';

export const logins = { tokens: true, oidc: undefined };

/** An index of one image with two layers, and what refers to it; those of seeds of one length differ in their digests alone. */
export interface Named {
  readonly repository: SampleRepository;
  readonly index: Descriptor;
  readonly image: Descriptor;
  readonly config: Descriptor;
  readonly layer: Descriptor;
  readonly large: Descriptor;
}

export const largeBytes = 200_000;

export function makeNamed(seed: string): Named {
  const repository = createSampleRepository();
  const image = addImage(repository, { seed, layers: [2_000, largeBytes] });
  const index = addIndex(repository, { manifests: [image], tag: 'secret' });
  const { bytes } = repository.manifests.get(image.digest) ?? {};
  const view = JSON.parse(String(bytes)) as { config: Descriptor; layers: Descriptor[] };
  const [layer, large] = view.layers;
  if (layer === undefined || large === undefined) throw new Error('the image has two layers');
  return { repository, index, image, config: view.config, layer, large };
}

/** A place that a tenant fills: a repository, its remote, and the upstream that this names. */
export type Place = Pick<Scene, 'name' | 'ids' | 'upstream'>;

export interface Tenant {
  readonly token: string;
  readonly identity: Identity;
}

export interface Tenants {
  readonly harness: SyncHarness;
  readonly api: HarnessApi;
  readonly a: Tenant;
  readonly b: Tenant;
  makeTenant(grants: readonly { role: Role; scope: string }[]): Promise<Tenant>;
  /** @param repository What the upstream serves. */
  makePlace(name: string, repository: SampleRepository, remote?: Partial<Remote>): Promise<Place>;
  /** What `b/*` has, in the database and as files. */
  othersState(): Promise<unknown>;
  close(): Promise<void>;
}

export async function startTenants(): Promise<Tenants> {
  const stage = await openStageWithApi({ logins });
  const { harness, api } = stage;
  const others: FakeUpstream[] = [];
  let made = 0;
  const makeTenant: Tenants['makeTenant'] = async (grants) => {
    made += 1;
    const token = await createToken(harness.em(), { name: `tenant ${made}`, expiresInDays: 1, grants });
    if (token === undefined) throw new Error('there is such a token');
    return { token: token.text, identity: { kind: 'token', id: token.id } };
  };
  return {
    harness,
    api,
    makeTenant,
    a: await makeTenant([{ role: 'maintainer', scope: 'a/*' }]),
    b: await makeTenant([{ role: 'maintainer', scope: 'b/*' }]),
    async makePlace(name, repository, remote = {}) {
      const place = await stage.open({ name, repository, remote: { tagRules: {}, ...remote } });
      if (name.startsWith('b/')) others.push(place.upstream);
      await sql`update distribution set is_private = true where base_path = ${name}`.execute(
        kysely(harness.em()),
      );
      return place;
    },
    async othersState() {
      const db = kysely(harness.em());
      const rows = await sql`
        select r.name, r.latest, m.kind, m.content_id, m.added_in, m.removed_in, b.digest, b.size_bytes, b.stored_at,
          f.digest as manifest, md5(f.raw) as document
        from repository r join membership m on m.repository_id = r.id
          left join blob b on m.kind = 'blob' and b.id = m.content_id
          left join manifest f on m.kind = 'manifest' and f.id = m.content_id
        where r.name ^@ 'b/' order by r.name, m.kind, m.content_id`.execute(db);
      const sources = await sql`
        select s.* from repository_source s join repository r on r.id = s.repository_id
        where r.name ^@ 'b/' order by s.blob_id`.execute(db);
      const files = await readdir(join(harness.folder, 'blobs', 'sha256'));
      const held = new Set(rows.rows.map((row) => String((row as { digest: unknown }).digest).slice(7)));
      return {
        rows: rows.rows,
        sources: sources.rows,
        files: files.filter((file) => held.has(file)).sort(),
        requests: others.map(({ requests }) => requests.length),
      };
    },
    close: () => stage.close(),
  };
}

/** A text without what it must differ in: digests of what was named, addresses and names of places. */
export function blank(value: unknown, named: Named, place: Place): unknown {
  const labels = Object.entries({
    [named.index.digest]: '<index>',
    [named.image.digest]: '<image>',
    [named.config.digest]: '<config>',
    [named.layer.digest]: '<layer>',
    [named.large.digest]: '<large>',
    [place.upstream.url]: '<upstream>',
    [place.name]: '<place>',
  }).flatMap(([text, label]) => [[text, label] as const, [text.replace(':', '-'), label] as const]);
  const text = labels.reduce((rest, [from, to]) => rest.replaceAll(from, to), JSON.stringify(value));
  return JSON.parse(text.replaceAll(/sha256[:-][0-9a-f]{64}/g, '<digest>')) as unknown;
}
