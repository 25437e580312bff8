/** `clientConfiguration`: its addresses, and what it maps where no namespace is named. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createToken } from '../../src/access/token.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';

let api: ApiUnderTest;
const tokens = new Map<string, string>();

beforeAll(async () => {
  api = await startApi({
    logins: { tokens: true, oidc: undefined },
    config: {
      publicUrl: 'https://registry.example/',
      dockerHub: { basePath: 'docker.io', port: 4001 },
    },
    temporalAddress: '127.0.0.1:9',
  });
  for (const [name, scope] of [
    ['all', '*'],
    ['some', 'quay/*'],
  ] as const) {
    const grants = [{ role: 'reader', scope } as const];
    const made = await createToken(api.database.em.fork(), { name, expiresInDays: 1, grants });
    tokens.set(name, made?.text ?? '');
  }
  for (const [name, url, upstreamName] of [
    ['docker.io/library/alpine', 'https://registry-1.docker.io', 'library/alpine'],
    ['quay/org/app', 'https://quay.io', 'org/app'],
    ['quay/org/other', 'https://quay.io', 'org/other'],
    // fewer than below "quay", under another name than upstream, and at a URL with a path
    ['also/org/app', 'https://quay.io', 'org/app'],
    ['renamed', 'https://ghcr.io', 'org/app'],
    ['nested/org/app', 'https://gitlab.example/registry', 'org/app'],
    ['lan/app', 'http://registry.lan:5000', 'app'],
  ] as const)
    await insertServed(name, url, upstreamName);
});
afterAll(() => api?.close());

async function insertServed(name: string, url: string, upstreamName: string): Promise<void> {
  await api.sql(
    `with u as (insert into remote (name, url, upstream_name) values ($1, $2, $3) returning id),
      r as (insert into repository (name, remote_id) select $1, id from u returning id)
     insert into distribution (base_path, repository_id) select $1, id from r`,
    [name, url, upstreamName],
  );
}

interface Answer {
  readonly data: {
    readonly clientConfiguration: { readonly files: { path: string; content: string }[] };
  } | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
}

async function ask(args: string, caller = 'all'): Promise<Answer> {
  const query = `{ clientConfiguration(${args}) { files { path content } } }`;
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokens.get(caller)}` },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as Answer;
}

/** Of podman's file: prefix and mirror. */
async function mirrorsOf(args: string, caller?: string): Promise<string[]> {
  const { data, errors } = await ask(`client: PODMAN, ${args}`, caller);
  expect(errors).toBeUndefined();
  const content = data?.clientConfiguration.files[0]?.content ?? '';
  return [...content.matchAll(/prefix = "(.*)"[^]*?mirror\]\]\nlocation = "(.*)"/g)].map(
    ([, prefix, location]) => `${prefix} ${location}`,
  );
}

/** With a hosts.toml. */
async function containerdFolders(): Promise<string[]> {
  const { data } = await ask('client: CONTAINERD');
  const paths = data?.clientConfiguration.files.map(({ path }) => path) ?? [];
  return paths.flatMap((path) => /certs\.d\/(.*)\/hosts\.toml$/.exec(path)?.[1] ?? []).toSorted();
}

/** Of daemon.json. */
async function dockerMirrors(args: string): Promise<unknown> {
  const { data } = await ask(`client: DOCKER, ${args}`);
  const file = JSON.parse(data?.clientConfiguration.files[0]?.content ?? '{}') as Record<string, unknown>;
  return file['registry-mirrors'];
}

test('the upstreams that are served under their own names are mapped, as far as the caller reads them', async () => {
  expect(await mirrorsOf('url: null')).toEqual([
    'quay.io registry.example/quay',
    'docker.io registry.example/docker.io',
    'registry.lan:5000 registry.example/lan',
  ]);
  expect(await mirrorsOf('url: "http://other.example:4000"', 'some')).toEqual([
    'quay.io other.example:4000/quay',
  ]);
  expect(await mirrorsOf('namespaces: [{ namespace: "ghcr.io", basePath: "github" }]', 'some')).toEqual([
    'ghcr.io registry.example/github',
  ]);
});

test('the namespaces of proxies come before those of distributions, as far as the caller may pull by them', async () => {
  await api.sql(
    `insert into proxy (name, url, namespaces, is_private) values ('k8s', 'https://registry.k8s.io', '{registry.k8s.io}', false),
      ('all/quay', 'https://quay.io', '{quay.io}', null)`,
    [],
  );
  try {
    expect(await mirrorsOf('url: null')).toEqual([
      'quay.io registry.example/all/quay',
      'docker.io registry.example/docker.io',
      'registry.k8s.io registry.example/k8s',
      'registry.lan:5000 registry.example/lan',
    ]);
    expect(await mirrorsOf('url: null', 'some')).toEqual([
      'quay.io registry.example/quay',
      'registry.k8s.io registry.example/k8s',
    ]);
    expect(await containerdFolders()).toContain('_default');
  } finally {
    await api.sql('delete from proxy', []);
  }
  expect(await containerdFolders()).toEqual(['docker.io', 'quay.io', 'registry.lan:5000']);
});

test('the mirror of Docker Hub is the second port, unless another address is named', async () => {
  expect(await dockerMirrors('fallback: true')).toEqual(['http://registry.example:4001']);
  expect(await dockerMirrors('dockerHubUrl: "https://hub.example/"')).toEqual(['https://hub.example']);
});

test.each([
  ['url: "registry.example"', /^url is not an address/],
  ['url: "https://user:secret@registry.example"', /^url is not an address/],
  ['url: "https://registry.example/path"', /^url is not an address/],
  ['dockerHubUrl: "ftp://hub.example"', /^dockerHubUrl is not an address/],
  ['certificates: "nonsense"', /^certificates is not PEM/],
  ['namespaces: [{ namespace: "../etc", basePath: "x" }]', /^The namespace is "\.\.\/etc"/],
  ['namespaces: []', /^No namespace is mapped/],
])('%s is refused', async (args, message) => {
  const { errors } = await ask(`client: K3S, ${args}`);
  expect(errors).toEqual([
    expect.objectContaining({
      message: expect.stringMatching(message),
      extensions: expect.objectContaining({ code: 'BAD_USER_INPUT' }),
    }),
  ]);
  expect(JSON.stringify(errors)).not.toContain('secret');
});
