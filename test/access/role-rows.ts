/**
 * The role table: each field of the API's roots, and each route, with the least role that may use it. A new field or route gets a row
 * here, and a rule in src/access/field-rules.ts; without them role-table.test.ts fails.
 */
import type { Role } from '../../src/db/access/roles.ts';
import { testSecret } from '../support/test-secret.ts';
import { publicKey } from './support/scene.ts';
import type { Things } from './support/scene.ts';

/** `root`: admin of everything; `signedIn`: whoever has a token that counts; `everybody`: without one, too. */
export type Least = Role | 'root' | 'signedIn' | 'everybody';

export interface FieldRow {
  readonly field: `${'Query' | 'Mutation' | 'Subscription'}.${string}`;
  /** The least role, of the things that it is asked about. */
  readonly least: Least;
  /** The selection, with arguments; `$…` are the things. */
  readonly ask: (things: Things) => string;
  /** Whether the answer is about the caller, whichever things are named. */
  readonly isOfCaller?: boolean;
  /** Whether one runs at a time: of who comes second it counts that they were let in. */
  readonly runsAlone?: boolean;
  /** Tells an answer that shows the things from one that hides them; default: something came, and no mistake with it. */
  readonly shows?: (things: Things) => string;
}

const mutation = (name: string, least: Least, input: (things: Things) => string): FieldRow => ({
  field: `Mutation.${name}`,
  least,
  ask: (things) => `${name}(input: { ${input(things)} }) { userErrors { code field message } }`,
});

const text = (value: string): string => JSON.stringify(value);

export const fieldRows: readonly FieldRow[] = [
  ...(
    [
      ['repositoryId', 'reader'],
      ['versionId', 'reader'],
      ['tagId', 'reader'],
      ['manifestId', 'reader'],
      ['blobId', 'reader'],
      ['remoteId', 'reader'],
      ['distributionId', 'reader'],
      ['taskId', 'reader'],
      ['scheduleId', 'reader'],
      ['signaturePolicyId', 'reader'],
      ['credentialId', 'reader'],
      ['mirrorRuleId', 'reader'],
      ['proxyId', 'reader'],
      ['webhookId', 'reader'],
      ['webhookDeliveryId', 'reader'],
      ['signatureId', 'reader'],
      ['tokenId', 'root'],
      ['grantId', 'admin'],
    ] as const
  ).map(([key, least]): FieldRow => ({
    field: 'Query.node',
    least,
    ask: (things) => `node(id: ${text(things[key])}) { id }`,
    shows: (things) => things[key],
  })),
  { field: 'Query.repository', least: 'reader', ask: (t) => `repository(name: ${text(t.name)}) { id }` },
  {
    field: 'Query.repositories',
    least: 'reader',
    ask: (t) => `repositories(first: 100, name: ${text(t.name)}) { totalCount nodes { id } }`,
    shows: (t) => t.repositoryId,
  },
  { field: 'Query.remote', least: 'reader', ask: (t) => `remote(name: ${text(t.name)}) { id }` },
  {
    field: 'Query.remotes',
    least: 'reader',
    ask: (t) => `remotes(first: 1, after: ${text(before('remotes', t.name))}) { nodes { id } }`,
    shows: (t) => t.remoteId,
  },
  {
    field: 'Query.distribution',
    least: 'reader',
    ask: (t) => `distribution(basePath: ${text(t.servedAt)}) { id }`,
  },
  {
    field: 'Query.distributions',
    least: 'reader',
    ask: (t) =>
      `distributions(first: 1, after: ${text(before('distributions', t.servedAt))}) { nodes { id } }`,
    shows: (t) => t.distributionId,
  },
  { field: 'Query.task', least: 'reader', ask: (t) => `task(id: ${text(t.taskId)}) { id }` },
  {
    field: 'Query.tasks',
    least: 'reader',
    ask: () => 'tasks(first: 100, state: FAILED, names: ["repository.sync"]) { nodes { id } }',
    shows: (t) => t.taskId,
  },
  {
    field: 'Query.versionDiff',
    least: 'reader',
    ask: (t) =>
      `versionDiff(from: ${text(t.versionId)}, to: ${text(t.versionId)}) { tags(first: 1) { totalCount } }`,
  },
  { field: 'Query.schedule', least: 'reader', ask: (t) => `schedule(id: ${text(t.scheduleId)}) { id }` },
  {
    field: 'Query.schedules',
    least: 'reader',
    ask: () => 'schedules(first: 100) { totalCount nodes { id } }',
    shows: (t) => t.scheduleId,
  },
  { field: 'Query.credential', least: 'reader', ask: (t) => `credential(name: ${text(t.name)}) { id }` },
  {
    field: 'Query.credentials',
    least: 'reader',
    ask: (t) => `credentials(first: 1, after: ${text(before('credentials', t.name))}) { nodes { id } }`,
    shows: (t) => t.credentialId,
  },
  {
    field: 'Query.signaturePolicy',
    least: 'reader',
    ask: (t) => `signaturePolicy(name: ${text(t.name)}) { id keys }`,
  },
  {
    field: 'Query.signaturePolicies',
    least: 'reader',
    ask: (t) =>
      `signaturePolicies(first: 1, after: ${text(before('signaturePolicies', t.name))}) { nodes { id } }`,
    shows: (t) => t.signaturePolicyId,
  },
  { field: 'Query.mirrorRule', least: 'reader', ask: (t) => `mirrorRule(name: ${text(t.name)}) { id }` },
  {
    field: 'Query.mirrorRules',
    least: 'reader',
    ask: (t) => `mirrorRules(first: 1, after: ${text(before('mirrorRules', t.name))}) { nodes { id } }`,
    shows: (t) => t.mirrorRuleId,
  },
  { field: 'Query.proxy', least: 'reader', ask: (t) => `proxy(basePath: ${text(t.name)}) { id }` },
  {
    field: 'Query.proxies',
    least: 'reader',
    ask: (t) => `proxies(first: 1, after: ${text(before('proxies', t.name))}) { nodes { id } }`,
    shows: (t) => t.proxyId,
  },
  { field: 'Query.webhook', least: 'reader', ask: (t) => `webhook(name: ${text(t.name)}) { id }` },
  {
    field: 'Query.webhooks',
    least: 'reader',
    ask: (t) => `webhooks(first: 1, after: ${text(before('webhooks', t.name))}) { nodes { id } }`,
    shows: (t) => t.webhookId,
  },
  {
    field: 'Query.viewer',
    least: 'signedIn',
    isOfCaller: true,
    ask: () => 'viewer { name isAdmin roles { role scope } }',
  },
  {
    field: 'Query.estate',
    least: 'signedIn',
    isOfCaller: true,
    ask: () => 'estate { repositories storage { storedBytes } }',
  },
  {
    field: 'Query.search',
    least: 'reader',
    ask: (t) => `search(text: ${text(t.name)}, first: 5) { kind repository { id } }`,
    shows: (t) => t.repositoryId,
  },
  {
    field: 'Query.clientConfiguration',
    least: 'signedIn',
    isOfCaller: true,
    ask: () =>
      'clientConfiguration(client: PODMAN, url: "https://registry.example", namespaces: [{ namespace: "quay.io", basePath: "quay" }]) { commands notes }',
  },
  {
    field: 'Query.configuration',
    least: 'reader',
    ask: () => 'configuration(section: REPOSITORY, first: 100) { nodes { id } }',
    shows: (t) => t.repositoryId,
  },
  {
    field: 'Query.tokens',
    least: 'root',
    ask: () => 'tokens(first: 100) { nodes { id } }',
    shows: (t) => t.tokenId,
  },
  {
    field: 'Query.grants',
    least: 'admin',
    ask: () => 'grants(first: 100) { nodes { id } }',
    shows: (t) => t.grantId,
  },

  mutation('repositoryCreate', 'maintainer', (t) => `name: ${text(t.freeName)}`),
  mutation('repositoryUpdate', 'maintainer', (t) => `id: ${text(t.repositoryId)}, description: "changed"`),
  mutation('repositoryDelete', 'maintainer', (t) => `id: ${text(t.repositoryId)}`),
  mutation('repositoryDetach', 'maintainer', (t) => `id: ${text(t.repositoryId)}`),
  mutation(
    'repositorySync',
    'maintainer',
    (t) => `repositoryId: ${text(t.repositoryId)}, remoteId: ${text(t.remoteId)}, convertToMirror: true`,
  ),
  mutation(
    'repositoryTag',
    'pusher',
    (t) => `repositoryId: ${text(t.repositoryId)}, tag: "moved", digest: ${text(t.digest)}`,
  ),
  mutation(
    'repositoryCopyContent',
    'pusher',
    (t) => `repositoryId: ${text(t.repositoryId)}, sourceVersionId: ${text(t.versionId)}, tags: ["plain"]`,
  ),
  mutation('repositoryUntag', 'maintainer', (t) => `repositoryId: ${text(t.repositoryId)}, tag: "also"`),
  mutation(
    'repositoryRemoveContent',
    'maintainer',
    (t) => `repositoryId: ${text(t.repositoryId)}, tags: ["also"]`,
  ),
  mutation('repositoryRestoreVersion', 'maintainer', (t) => `versionId: ${text(t.versionId)}`),
  mutation(
    'distributionCreate',
    'maintainer',
    (t) => `basePath: ${text(t.freeName)}, repositoryId: ${text(t.repositoryId)}`,
  ),
  mutation('distributionUpdate', 'maintainer', (t) => `id: ${text(t.distributionId)}, private: false`),
  mutation('distributionDelete', 'maintainer', (t) => `id: ${text(t.distributionId)}`),
  mutation(
    'distributionPoint',
    'maintainer',
    (t) => `id: ${text(t.distributionId)}, versionId: ${text(t.versionId)}`,
  ),
  mutation(
    'remoteCreate',
    'maintainer',
    (t) => `name: ${text(t.freeName)}, url: "https://registry.example", upstreamName: "a/b"`,
  ),
  mutation('remoteUpdate', 'maintainer', (t) => `id: ${text(t.remoteId)}, upstreamName: "c/d"`),
  mutation('remoteTest', 'maintainer', (t) => `id: ${text(t.remoteId)}`),
  mutation('remoteDelete', 'maintainer', (t) => `id: ${text(t.remoteId)}`),
  mutation(
    'tagRelease',
    'maintainer',
    (t) => `repositoryId: ${text(t.waitingRepositoryId)}, name: "waiting", reason: "checked"`,
  ),
  mutation('taskCancel', 'maintainer', (t) => `id: ${text(t.openTaskId)}`),
  mutation(
    'scheduleCreate',
    'maintainer',
    (t) =>
      `repositoryId: ${text(t.emptyRepositoryId)}, remoteId: ${text(t.remoteId)}, intervalSeconds: 31622400`,
  ),
  mutation('scheduleUpdate', 'maintainer', (t) => `id: ${text(t.scheduleId)}, jitterSeconds: 5`),
  mutation('schedulePause', 'maintainer', (t) => `id: ${text(t.scheduleId)}`),
  mutation('scheduleResume', 'maintainer', (t) => `id: ${text(t.scheduleId)}`),
  mutation('scheduleTrigger', 'maintainer', (t) => `id: ${text(t.scheduleId)}`),
  mutation('scheduleDelete', 'maintainer', (t) => `id: ${text(t.scheduleId)}`),
  mutation(
    'signaturePolicyCreate',
    'maintainer',
    (t) => `name: ${text(t.freeName)}, keys: [${text(publicKey)}]`,
  ),
  mutation(
    'signaturePolicyUpdate',
    'maintainer',
    (t) => `id: ${text(t.signaturePolicyId)}, keys: [${text(publicKey)}]`,
  ),
  mutation(
    'credentialCreate',
    'maintainer',
    (t) =>
      `name: ${text(t.freeName)}, kind: STATIC, username: "u", password: ${text(testSecret('role-row'))}`,
  ),
  mutation('credentialUpdate', 'maintainer', (t) => `id: ${text(t.credentialId)}, username: "v"`),
  mutation('credentialDelete', 'maintainer', (t) => `id: ${text(t.credentialId)}`),
  mutation('signaturePolicyDelete', 'maintainer', (t) => `id: ${text(t.signaturePolicyId)}`),
  mutation(
    'mirrorRuleCreate',
    'maintainer',
    (t) => `name: ${text(t.freeName)}, url: "https://registry.example", targetPrefix: ${text(t.name)}`,
  ),
  mutation('mirrorRuleUpdate', 'maintainer', (t) => `id: ${text(t.mirrorRuleId)}, repositoriesAtMost: 5`),
  mutation('mirrorRuleRun', 'maintainer', (t) => `id: ${text(t.mirrorRuleId)}, dryRun: true`),
  mutation('mirrorRuleDelete', 'maintainer', (t) => `id: ${text(t.mirrorRuleId)}`),
  mutation(
    'proxyCreate',
    'maintainer',
    (t) => `basePath: ${text(t.freeName)}, url: "https://registry.example"`,
  ),
  mutation('proxyUpdate', 'maintainer', (t) => `id: ${text(t.proxyId)}, repositoriesAtMost: 5`),
  mutation('proxyDelete', 'maintainer', (t) => `id: ${text(t.proxyId)}`),
  mutation('webhookCreate', 'maintainer', (t) => `name: ${text(t.freeName)}, url: "https://hooks.example/a"`),
  mutation('webhookUpdate', 'maintainer', (t) => `id: ${text(t.webhookId)}, enabled: false`),
  mutation('webhookRotateSecret', 'maintainer', (t) => `id: ${text(t.webhookId)}`),
  mutation('webhookTest', 'maintainer', (t) => `id: ${text(t.webhookId)}`),
  mutation('webhookRedeliver', 'maintainer', (t) => `id: ${text(t.webhookDeliveryId)}`),
  mutation('webhookDelete', 'maintainer', (t) => `id: ${text(t.webhookId)}`),
  mutation(
    'configurationApply',
    'maintainer',
    (t) =>
      `configuration: { name: "roles", repositories: [{ name: ${text(t.name)}, remote: ${text(t.name)}, description: "configured" }] }`,
  ),
  { ...mutation('contentCollect', 'root', () => 'dryRun: true'), runsAlone: true },
  {
    field: 'Mutation.contentVerify',
    least: 'root',
    runsAlone: true,
    ask: () => 'contentVerify { userErrors { code field message } }',
  },
  { field: 'Mutation.secretsRotate', least: 'root', ask: () => 'secretsRotate { resealed }' },
  mutation('tokenCreate', 'root', (t) => `name: ${text(t.freeName)}`),
  mutation('tokenRevoke', 'root', (t) => `id: ${text(t.tokenId)}`),
  mutation('grantCreate', 'admin', (t) => `role: PUSHER, scope: ${text(`${t.name}/*`)}, oidcGroup: "g"`),
  mutation('grantDelete', 'admin', (t) => `id: ${text(t.grantId)}`),

  {
    field: 'Subscription.taskProgress',
    least: 'reader',
    ask: (t) => `taskProgress(id: ${text(t.taskId)}) { id }`,
  },
];

export interface RouteRow {
  /** As `ApiUnderTest.routes` has it; below `/v2/`, where one route serves all, the method and what the address names. */
  readonly route: string;
  readonly least: Least;
  readonly path: (things: Things) => string;
}

const upload = '00000000-0000-4000-8000-000000000000';
const blob = (t: Things): string => `/v2/${t.name}/blobs/${t.digest}`;
const manifest = (t: Things): string => `/v2/${t.name}/manifests/plain`;
const tags = (t: Things): string => `/v2/${t.name}/tags/list`;
const referrers = (t: Things): string => `/v2/${t.name}/referrers/${t.digest}`;
const signatures = (t: Things): string => `/extensions/v2/${t.name}/signatures/${t.digest}`;
const oneUpload = (t: Things): string => `/v2/${t.name}/blobs/uploads/${upload}`;
const always = (path: string) => (): string => path;

export const routeRows: readonly RouteRow[] = [
  ...(['GET', 'HEAD'] as const).flatMap((method): RouteRow[] => [
    { route: `${method} /`, least: 'everybody', path: always('/') },
    { route: `${method} /session`, least: 'everybody', path: always('/session') },
    { route: `${method} /healthz`, least: 'everybody', path: always('/healthz') },
    { route: `${method} /readyz`, least: 'everybody', path: always('/readyz') },
    {
      route: `${method} /schema/tidemark.schema.json`,
      least: 'everybody',
      path: always('/schema/tidemark.schema.json'),
    },
    { route: `${method} /graphql/schema`, least: 'everybody', path: always('/graphql/schema') },
    { route: `${method} /metrics`, least: 'root', path: always('/metrics') },
    { route: `${method} /token`, least: 'everybody', path: always('/token?service=tidemark') },
    { route: `${method} /graphql`, least: 'signedIn', path: always('/graphql?query=%7B__typename%7D') },
    {
      route: `${method} /graphql/stream`,
      least: 'signedIn',
      path: always('/graphql/stream?query=%7B__typename%7D'),
    },
    { route: `${method} base`, least: 'signedIn', path: always('/v2/') },
    { route: `${method} catalog`, least: 'signedIn', path: always('/v2/_catalog') },
    { route: `${method} tags`, least: 'reader', path: tags },
    { route: `${method} manifest`, least: 'reader', path: manifest },
    { route: `${method} blob`, least: 'reader', path: blob },
    { route: `${method} referrers`, least: 'reader', path: referrers },
    { route: `${method} signatures`, least: 'reader', path: signatures },
  ]),
  { route: 'POST /session', least: 'everybody', path: always('/session') },
  { route: 'DELETE /session', least: 'everybody', path: always('/session') },
  { route: 'POST /graphql', least: 'signedIn', path: always('/graphql') },
  { route: 'POST /graphql/stream', least: 'signedIn', path: always('/graphql/stream') },
  { route: 'PUT manifest', least: 'pusher', path: manifest },
  { route: 'DELETE manifest', least: 'maintainer', path: manifest },
  { route: 'DELETE blob', least: 'maintainer', path: blob },
  { route: 'POST uploads', least: 'pusher', path: (t) => `/v2/${t.name}/blobs/uploads/` },
  { route: 'GET upload', least: 'pusher', path: oneUpload },
  { route: 'PATCH upload', least: 'pusher', path: oneUpload },
  { route: 'PUT upload', least: 'pusher', path: oneUpload },
  { route: 'DELETE upload', least: 'pusher', path: oneUpload },
];

/** A cursor right before a name in a list by names. */
function before(list: string, name: string): string {
  const last = String.fromCharCode(name.charCodeAt(name.length - 1) - 1);
  return Buffer.from(`${list}:${name.slice(0, -1)}${last}~`).toString('base64url');
}
