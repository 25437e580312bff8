/** A server with logins, behind TLS and not, that mirrors images of one name from two registries; and the files of its clients. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Role } from '../../src/db/access/roles.ts';
import { createToken } from '../../src/access/token.ts';
import { writeClientFiles } from '../../src/cli/clients/write-client-files.ts';
import type { ClientConfiguration } from '../../src/client-config/client-configuration.ts';
import { Distribution } from '../../src/db/schema/distributions.ts';
import { addImage, addIndex, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import type { Descriptor } from '../../src/oci/manifest/descriptor.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { startSyncHarness } from '../support/sync/sync-harness.ts';
import type { SyncHarness } from '../support/sync/sync-harness.ts';
import { fixture } from '../support/upstream/fake-upstream.ts';
import { startDockerRegistry } from './peers.ts';
import { pushSample } from './push-sample.ts';
import type { RealRegistry } from './peers.ts';
import { startTlsFront } from './tls-front.ts';
import type { TlsFront } from './tls-front.ts';

export const registries = ['docker.io', 'quay.io'] as const;
export type RegistryName = (typeof registries)[number];
const architectures = ['amd64', 'arm64'] as const;
type Architecture = (typeof architectures)[number];

/** At both registries; Docker Hub's is public here, and Quay's is not. */
export const imageName = 'library/alpine';
/** At Docker Hub only, and not public here. */
export const secretName = 'team/secret';
/** At both registries, and at one that is not mirrored. Nothing here has it until a proxy serves it. */
export const freshName = 'team/fresh';

export interface EngineScene {
  readonly api: HarnessApi;
  /** The TLS proxy before the API. */
  readonly front: TlsFront;
  /** A folder for what a test writes. */
  readonly folder: string;
  /** A registry that is not mirrored here. */
  readonly elsewhere: RealRegistry;
  /** Tokens of somebody who may read all, and of somebody who may push to `team/`. */
  readonly tokens: { readonly reader: string; readonly pusher: string };
  /** Writes the files of a client below a folder of its own, as the server names them. @param how More arguments of the query. */
  configure(client: string, how: string): Promise<string>;
  /** Arguments for `configure`: by TLS with the CA, or by plain HTTP. */
  readonly overTls: string;
  readonly overHttp: string;
  /** Creates a proxy with its namespace for each of the registries. */
  createProxies(): Promise<void>;
  close(): Promise<void>;
}

const places = [...registries, 'elsewhere'] as const;
type Place = (typeof places)[number];
const contents = new Map(places.map((place) => [place, buildContent(place)]));

export function indexOf(registry: Place): string {
  return contents.get(registry)?.content.tags.get('latest') ?? '';
}

export function manifestOf(registry: Place, architecture: Architecture): string {
  return contents.get(registry)?.images.get(architecture)?.digest ?? '';
}

/** The digest of an image's config, by which engines name images. */
export function configOf(registry: Place, architecture: Architecture): string {
  const { content, images } = contents.get(registry) ?? {};
  const digest = images?.get(architecture)?.digest;
  const bytes = digest === undefined ? undefined : content?.manifests.get(digest)?.bytes;
  return (JSON.parse(String(bytes)) as { config: { digest: string } }).config.digest;
}

/** An index as BuildKit writes it, with an attestation that no platform matches. */
function buildContent(registry: string): {
  readonly content: SampleRepository;
  readonly images: ReadonlyMap<Architecture, Descriptor>;
} {
  const content = createSampleRepository();
  const images = new Map(
    architectures.map((architecture) => {
      const platform = { os: 'linux', architecture };
      const seed = `${registry}-${architecture}`;
      return [architecture, addImage(content, { seed, layers: [20_000, 5_000], platform })] as const;
    }),
  );
  const attestation = {
    ...addImage(content, {
      seed: `${registry}-attestation`,
      layers: [500],
      platform: { os: 'unknown', architecture: 'unknown' },
    }),
    annotations: {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': images.get('amd64')?.digest ?? '',
    },
  };
  addIndex(content, { manifests: [...images.values(), attestation], tag: 'latest' });
  return { content, images };
}

export async function startEngineScene(): Promise<EngineScene> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-engines-'));
  const [front, harness, elsewhere, ...upstreams] = await Promise.all([
    startTlsFront(),
    startSyncHarness(),
    startDockerRegistry(),
    ...registries.map(() => startDockerRegistry()),
  ]);
  const api = await startHarnessApi(harness, {
    logins: { tokens: true, oidc: undefined },
    config: { publicUrl: front.url, dockerHub: { basePath: 'docker.io' } },
  });
  front.target = api.url;
  await Promise.all([
    pushContent(elsewhere, 'elsewhere'),
    ...registries.map((registry, index) => mirror(harness, registry, upstreams[index])),
  ]);
  const tokens = {
    reader: await makeToken(harness, 'reader', '*'),
    pusher: await makeToken(harness, 'pusher', 'team/*'),
  };
  return {
    api,
    front,
    folder,
    elsewhere,
    tokens,
    configure: (client, how) => configure({ api, folder, token: tokens.reader }, client, how),
    overTls: `url: "${front.url}", certificates: ${JSON.stringify(fixture('ca.pem'))}`,
    overHttp: `url: "${api.url}"`,
    createProxies: async () => createProxies(api, await makeToken(harness, 'admin', '*'), upstreams),
    async close() {
      await front.close();
      await api.close();
      await harness.close();
      await Promise.all([elsewhere, ...upstreams].map((registry) => registry.stop()));
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function makeToken({ database }: SyncHarness, role: Role, scope: string): Promise<string> {
  const grants = [{ role, scope }];
  const made = await createToken(database.em.fork(), { name: role, expiresInDays: 1, grants });
  return made?.text ?? '';
}

/** Docker Hub's images are fetched by their first pull; Quay's is synced. */
async function mirror(
  harness: SyncHarness,
  registry: RegistryName,
  upstream: RealRegistry | undefined,
): Promise<void> {
  if (upstream === undefined) throw new Error(`there is no ${registry}`);
  await pushContent(upstream, registry);
  const isHub = registry === 'docker.io';
  for (const name of isHub ? [imageName, secretName] : [imageName]) {
    const basePath = `${registry}/${name}`;
    const ids = await harness.createRepository({ url: upstream.url, upstreamName: imageName }, basePath);
    if (!isHub) expect((await harness.sync(ids)).task).toMatchObject({ state: 'COMPLETED' });
    const changes = { pullThrough: isHub, isPrivate: !isHub || name === secretName };
    await harness.database.em.fork().nativeUpdate(Distribution, { basePath }, changes);
  }
}

async function pushContent({ url }: RealRegistry, place: Place): Promise<void> {
  const { content } = contents.get(place) ?? {};
  if (content === undefined) throw new Error(`there is no ${place}`);
  for (const name of [imageName, freshName]) await pushSample(url, name, content);
}

async function createProxies(
  api: HarnessApi,
  token: string,
  upstreams: readonly RealRegistry[],
): Promise<void> {
  for (const [index, registry] of registries.entries()) {
    const input = { basePath: registry, url: upstreams[index]?.url, namespaces: [registry] };
    const { data } = await api.graphql(
      'mutation ($input: ProxyCreateInput!) { proxyCreate(input: $input) { userErrors { message } } }',
      { input },
      token,
    );
    expect(data.proxyCreate.userErrors).toEqual([]);
  }
}

async function configure(
  { api, folder, token }: { readonly api: HarnessApi; readonly folder: string; readonly token: string },
  client: string,
  how: string,
): Promise<string> {
  const root = await mkdtemp(join(folder, `${client}-`));
  const namespaces = registries.map((name) => `{ namespace: "${name}", basePath: "${name}" }`).join(', ');
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({
      query: `{ clientConfiguration(client: ${client.toUpperCase()}, dockerHubUrl: "${api.dockerHubUrl}",
        namespaces: [${namespaces}], ${how}) { files { path content note } commands notes } }`,
    }),
  });
  const { data } = (await response.json()) as { data: { clientConfiguration: ClientConfiguration } };
  await writeClientFiles(root, data.clientConfiguration.files, { force: false });
  return root;
}
