/** The files for each client; test/interop/engines.test.ts hands them to real ones. */
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { containerClients } from '../../src/client-config/client-configuration.ts';
import type {
  ClientConfiguration,
  ClientSettings,
  ContainerClient,
} from '../../src/client-config/client-configuration.ts';
import { configureClient } from '../../src/client-config/configure-client.ts';

const certificates = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const secure: ClientSettings = {
  url: 'https://registry.example:5000',
  dockerHubUrl: 'https://hub.example',
  certificates,
  mappings: [
    { namespace: 'docker.io', basePath: 'docker.io' },
    { namespace: 'quay.io', basePath: 'mirror/quay' },
  ],
  isNamespaceKnown: true,
  fallback: true,
};
const plain: ClientSettings = {
  ...secure,
  url: 'http://registry.lan',
  dockerHubUrl: 'http://registry.lan:4001',
  certificates: undefined,
};
const closed: ClientSettings = { ...secure, fallback: false };

function write(client: ContainerClient, settings: ClientSettings): ClientConfiguration {
  const configured = configureClient(client, settings);
  if ('value' in configured) return configured.value;
  throw new Error(configured.mistakes.join(' '));
}

const contents = (client: ContainerClient, settings: ClientSettings): Record<string, string> =>
  Object.fromEntries(write(client, settings).files.map(({ path, content }) => [path, content]));

const mistakesOf = (client: ContainerClient, settings: ClientSettings): readonly string[] => {
  const configured = configureClient(client, settings);
  return 'mistakes' in configured ? configured.mistakes : [];
};

describe('containerd', () => {
  test('asks the base path of each registry, then the registry', () => {
    expect(contents('containerd', secure)).toEqual({
      '/etc/containerd/certs.d/docker.io/hosts.toml': `server = "https://registry-1.docker.io"

[host."https://registry.example:5000/v2/docker.io"]
  capabilities = ["pull", "resolve"]
  override_path = true
  ca = "../tidemark-ca.crt"
`,
      '/etc/containerd/certs.d/quay.io/hosts.toml': `server = "https://quay.io"

[host."https://registry.example:5000/v2/mirror/quay"]
  capabilities = ["pull", "resolve"]
  override_path = true
  ca = "../tidemark-ca.crt"
`,
      '/etc/containerd/certs.d/_default/hosts.toml': `[host."https://registry.example:5000"]
  capabilities = ["pull", "resolve"]
  ca = "../tidemark-ca.crt"
`,
      '/etc/containerd/certs.d/tidemark-ca.crt': certificates,
    });
    expect(write('containerd', secure).commands).toEqual([]);
  });

  test('without fallback, this server is the last one that it asks', () => {
    const files = contents('containerd', { ...plain, fallback: false });
    expect(files['/etc/containerd/certs.d/quay.io/hosts.toml'])
      .toBe(`server = "http://registry.lan/v2/mirror/quay"
capabilities = ["pull", "resolve"]
override_path = true

[host."http://registry.lan/v2/mirror/quay"]
  capabilities = ["pull", "resolve"]
  override_path = true
`);
    expect(files['/etc/containerd/certs.d/_default/hosts.toml']).toContain('server = "http://registry.lan"');
  });

  test('asks this server for no other registries while it ignores their namespaces', () => {
    const { files, notes } = write('containerd', { ...plain, isNamespaceKnown: false });
    expect(files.map(({ path }) => path)).toEqual([
      '/etc/containerd/certs.d/docker.io/hosts.toml',
      '/etc/containerd/certs.d/quay.io/hosts.toml',
    ]);
    expect(notes.at(-1)).toMatch(/no file _default.*Create proxies with namespaces first/);
  });
});

test('dockerd gets the address of Docker Hub, and is told what it cannot mirror', () => {
  expect(contents('docker', secure)).toEqual({
    '/etc/docker/daemon.json': '{\n  "registry-mirrors": [\n    "https://hub.example"\n  ]\n}\n',
    '/etc/docker/certs.d/hub.example/ca.crt': certificates,
    '/etc/docker/certs.d/registry.example:5000/ca.crt': certificates,
  });
  const { commands, notes } = write('docker', closed);
  expect(commands).toEqual(['systemctl reload docker']);
  expect(notes.join('\n')).toMatch(/images of quay\.io as registry\.example:5000\/mirror\/quay\//);
  expect(notes.join('\n')).toMatch(/always asks Docker Hub/);
  expect(mistakesOf('docker', { ...secure, dockerHubUrl: undefined })).toEqual([
    expect.stringMatching(/without a path.*TIDEMARK_DOCKER_HUB_PORT/),
  ]);
});

describe.each(['podman', 'crio'] as const)('%s', (client) => {
  test('asks the mirror, then the registry', () => {
    expect(contents(client, secure)).toEqual({
      '/etc/containers/registries.conf.d/050-tidemark.conf': `[[registry]]
prefix = "docker.io"
location = "docker.io"

[[registry.mirror]]
location = "registry.example:5000/docker.io"

[[registry]]
prefix = "quay.io"
location = "quay.io"

[[registry.mirror]]
location = "registry.example:5000/mirror/quay"
`,
      '/etc/containers/certs.d/registry.example:5000/ca.crt': certificates,
    });
    expect(write(client, secure).commands).toEqual(client === 'crio' ? ['systemctl reload crio'] : []);
  });

  test('without fallback and TLS, it asks this server only, over http', () => {
    expect(contents(client, { ...plain, mappings: secure.mappings.slice(1), fallback: false })).toEqual({
      '/etc/containers/registries.conf.d/050-tidemark.conf': `[[registry]]
prefix = "quay.io"
location = "registry.lan/mirror/quay"
insecure = true
`,
    });
  });
});

test('K3s rewrites names to the base path', () => {
  const files = contents('k3s', closed);
  expect(parse(files['/etc/rancher/k3s/registries.yaml'] ?? '')).toEqual({
    mirrors: {
      'docker.io': { endpoint: ['https://registry.example:5000'], rewrite: { '^(.*)$': 'docker.io/$1' } },
      'quay.io': { endpoint: ['https://registry.example:5000'], rewrite: { '^(.*)$': 'mirror/quay/$1' } },
    },
    configs: { 'registry.example:5000': { tls: { ca_file: '/etc/rancher/k3s/tidemark-ca.crt' } } },
  });
  expect(parse(files['/etc/rancher/k3s/config.yaml.d/tidemark.yaml'] ?? '')).toEqual({
    'disable-default-registry-endpoint': true,
  });
  expect(files['/etc/rancher/k3s/tidemark-ca.crt']).toBe(certificates);
  expect(Object.keys(contents('k3s', plain))).toEqual(['/etc/rancher/k3s/registries.yaml']);
});

test('OpenShift gets mirrors of digests and of tags, and trusts the CA', () => {
  const { files, commands } = write('openshift', closed);
  const [mirrors, trust] = files.map(({ content }) => parseAllDocuments(content).map((one) => one.toJSON()));
  const entries = [
    {
      source: 'docker.io',
      mirrors: ['registry.example:5000/docker.io'],
      mirrorSourcePolicy: 'NeverContactSource',
    },
    {
      source: 'quay.io',
      mirrors: ['registry.example:5000/mirror/quay'],
      mirrorSourcePolicy: 'NeverContactSource',
    },
  ];
  const head = { apiVersion: 'config.openshift.io/v1', metadata: { name: 'tidemark' } };
  expect(mirrors).toEqual([
    { ...head, kind: 'ImageDigestMirrorSet', spec: { imageDigestMirrors: entries } },
    { ...head, kind: 'ImageTagMirrorSet', spec: { imageTagMirrors: entries } },
  ]);
  expect(trust).toEqual([
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'tidemark-ca', namespace: 'openshift-config' },
      data: { 'registry.example..5000': certificates },
    },
  ]);
  expect(commands).toEqual([
    'oc apply -f tidemark-ca.yaml',
    `oc patch image.config.openshift.io/cluster --type merge --patch '{"spec":{"additionalTrustedCA":{"name":"tidemark-ca"}}}'`,
    'oc apply -f tidemark-mirrors.yaml',
  ]);
  expect(write('openshift', plain).commands).toEqual([
    `oc patch image.config.openshift.io/cluster --type merge --patch '{"spec":{"registrySources":{"insecureRegistries":["registry.lan"]}}}'`,
    'oc apply -f tidemark-mirrors.yaml',
  ]);
});

describe('refused', () => {
  test.each([
    '',
    'quay',
    'Quay.io',
    'https://quay.io',
    'quay.io/org',
    '../etc',
    'quay.io:0',
    'quay.io:65536',
    'quay.io"\nx',
    '..',
    '.io',
  ])('the namespace %j', (namespace) => {
    const mappings = [{ namespace, basePath: 'quay' }];
    for (const client of containerClients)
      expect(mistakesOf(client, { ...secure, mappings })).toEqual([
        expect.stringMatching(/^The namespace is /),
      ]);
  });

  test.each(['', '/quay', 'Quay', 'quay//org', '$1'])('the base path %j', (basePath) => {
    const mappings = [{ namespace: 'quay.io', basePath }];
    expect(mistakesOf('k3s', { ...secure, mappings })).toEqual([expect.stringMatching(/^The base path is /)]);
  });

  test('a namespace with two base paths, and none at all', () => {
    const [first] = secure.mappings;
    const twice = first === undefined ? [] : [first, { ...first, basePath: 'other' }];
    expect(mistakesOf('podman', { ...secure, mappings: twice })).toEqual([
      'The namespace docker.io has two base paths; expected one.',
    ]);
    expect(mistakesOf('podman', { ...secure, mappings: [] })).toEqual([
      expect.stringMatching(/^No namespace is mapped/),
    ]);
  });

  test.each(['registry:5000', 'localhost', '127.0.0.1:5000', 'xn--a.example'])('but not %s', (namespace) => {
    expect(mistakesOf('crio', { ...secure, mappings: [{ namespace, basePath: 'other' }] })).toEqual([]);
  });
});
