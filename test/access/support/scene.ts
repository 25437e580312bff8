/** An API with logins on, callers with each role for `team/*`, and things of that team and of another one. */
import { generateKeyPairSync, randomInt } from 'node:crypto';
import { createToken } from '../../../src/access/token.ts';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { roles } from '../../../src/db/access/roles.ts';
import type { Role } from '../../../src/db/access/roles.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiOptions, ApiUnderTest } from '../../support/api/api-server.ts';
import { insertMember, insertRepository, insertTask } from '../../support/api/content.ts';
import { insertSample } from '../../support/api/sample-repository.ts';

/** Of a pair whose private key is nowhere. */
export const publicKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString();

/** `stranger`: logged in, without a grant. `root`: admin of everything; the roles are of `team/*`. */
export const callers = ['anonymous', 'stranger', ...roles, 'root'] as const;
export type Caller = (typeof callers)[number];

export interface AccessScene {
  readonly api: ApiUnderTest;
  /** What each caller shows; undefined for `anonymous`. */
  readonly tokens: Readonly<Record<Caller, string | undefined>>;
  makeToken(name: string, grants: readonly { role: Role; scope: string }[]): Promise<string>;
  /** New things below a prefix, each untouched. */
  makeThings(prefix: string): Promise<Things>;
  close(): Promise<void>;
}

/** One of each kind, with names below the prefix; ids as the API has them. */
export interface Things {
  /** Of the repository and of the remote; private at `/v2/`. */
  readonly name: string;
  /** A name that is free. */
  readonly freeName: string;
  readonly repositoryId: string;
  /** One without a version. */
  readonly emptyRepositoryId: string;
  /** One whose tag `waiting` is too young. */
  readonly waitingRepositoryId: string;
  readonly versionId: string;
  readonly digest: string;
  readonly tagId: string;
  readonly manifestId: string;
  readonly blobId: string;
  readonly remoteId: string;
  /** Serves the repository at another base path, `servedAt`. */
  readonly distributionId: string;
  readonly servedAt: string;
  /** A task that has ended, and one that has not. */
  readonly taskId: string;
  readonly openTaskId: string;
  /** Of the repository, with a remote of its own, `remoteId` being free to be deleted. */
  readonly scheduleId: string;
  /** Has the name, too. */
  readonly signaturePolicyId: string;
  /** Has the name, too. */
  readonly credentialId: string;
  /** Has the name, and makes repositories below it. */
  readonly mirrorRuleId: string;
  /** At the base path of the name. */
  readonly proxyId: string;
  /** Has the name, and a delivery. */
  readonly webhookId: string;
  readonly webhookDeliveryId: string;
  /** Of the manifest `digest`, in the version. */
  readonly signatureId: string;
  readonly tokenId: string;
  readonly grantId: string;
}

export async function startAccessScene(options: ApiOptions = {}): Promise<AccessScene> {
  const api = await startApi({ logins: { tokens: true, oidc: undefined }, ...options });
  // workflow ids hold repository ids, and all tests share one Temporal
  await api.sql(`alter table repository alter column id restart with ${randomInt(1, 2 ** 40)}`);
  await api.sql(`alter table mirror_rule alter column id restart with ${randomInt(1, 2 ** 40)}`);
  const makeToken: AccessScene['makeToken'] = async (name, grants) => {
    const made = await createToken(api.database.em.fork(), { name, expiresInDays: 1, grants });
    if (made === undefined) throw new Error(`there is a token ${name}`);
    return made.text;
  };
  const [reader, pusher, maintainer, admin] = await Promise.all(
    roles.map((role) => makeToken(role, [{ role, scope: 'team/*' }])),
  );
  const tokens = {
    anonymous: undefined,
    stranger: await makeToken('stranger', []),
    reader,
    pusher,
    maintainer,
    admin,
    root: await makeToken('root', [{ role: 'admin', scope: '*' }]),
  };
  let sequence = 0;
  return {
    api,
    tokens,
    makeToken,
    makeThings: (prefix) => makeThings(api, `${prefix}/r${(sequence += 1)}`),
    close: () => api.close(),
  };
}

async function makeThings(api: ApiUnderTest, name: string): Promise<Things> {
  const id = async (statement: string, values: readonly unknown[]): Promise<number> => {
    const [row] = await api.sql(`${statement} returning id`, values);
    return Number(row?.['id']);
  };
  const { repositoryId, versionId, digests } = await insertSample(api, name);
  const servedAt = `${name}-served/at`;
  const served = await insertRepository(api, `${name}-served/repository`);
  const distributionId = await id(
    'insert into distribution (base_path, repository_id, is_private) values ($1, $2, true)',
    [servedAt, served],
  );
  const remoteId = await id('insert into remote (name, url, upstream_name) values ($1, $2, $3)', [
    name,
    'https://registry.example',
    'a/b',
  ]);
  const busy = await insertRepository(api, `${name}-busy`);
  const waiting = await insertRepository(api, `${name}-waiting`);
  const agedRemote = await id(
    `insert into remote (name, url, upstream_name, tag_rules) values ($1, 'https://registry.example', 'a/b', '{"minimumAgeSeconds": 3600}')`,
    [`${name}-waiting`],
  );
  await api.sql('update repository set remote_id = $1 where id = $2', [agedRemote, waiting]);
  await api.sql("insert into tag_seen (repository_id, name, digest) values ($1, 'waiting', $2)", [
    waiting,
    digests.plain,
  ]);
  await api.sql('update distribution set is_private = true where base_path ^@ $1', [name]);
  const tokenId = await id(
    "insert into access_token (name, hash, expires_at) values ($1, sha256($2), now() + interval '1 day')",
    [`of ${name}`, Buffer.from(name)],
  );
  const grantId = await id("insert into access_grant (role, scope, token_id) values ('reader', $1, $2)", [
    name,
    tokenId,
  ]);
  const scheduledRemote = await id('insert into remote (name, url, upstream_name) values ($1, $2, $3)', [
    `${name}-scheduled`,
    'https://registry.example',
    'a/b',
  ]);
  const scheduleId = await id(
    `insert into schedule (repository_id, remote_id, interval_seconds, time_zone, jitter_seconds, catchup_window_seconds, mirror,
       allow_private, paused) values ($1, $2, 31622400, 'UTC', 0, 60, false, true, true)`,
    // not the one that was pushed to: a sync would make it a mirror
    [served, scheduledRemote],
  );
  const signaturePolicyId = await id('insert into signature_policy (name, keys) values ($1, $2)', [
    name,
    JSON.stringify([publicKey]),
  ]);
  const credentialId = await id("insert into credential (name, kind, username) values ($1, 'STATIC', 'u')", [
    name,
  ]);
  const mirrorRuleId = await id(
    'insert into mirror_rule (name, url, target_prefix, allow_private) values ($1, $2, $1, true)',
    [name, 'https://registry.example'],
  );
  const proxyId = await id('insert into proxy (name, url) values ($1, $2)', [
    name,
    'https://registry.example',
  ]);
  const webhookId = await id('insert into webhook (name, url, enabled) values ($1, $2, false)', [
    name,
    'https://hooks.example/private',
  ]);
  const eventId = await id(
    "insert into webhook_event (name, data, routed_at) values ('ping', '{}', now())",
    [],
  );
  const deliveryId = await id(
    `insert into webhook_delivery (webhook_id, event_id, state, next_attempt_at, finished_at) values ($1, $2, 'FAILED', null, now())`,
    [webhookId, eventId],
  );
  const signatureId = await id(
    "insert into signature (kind, signed_digest, name, content) values ('ATOMIC', $1, $2, 'x')",
    [digests.plain, `${digests.plain}@${name}`],
  );
  await insertMember(api, { repositoryId, addedIn: 1 }, 'signature', signatureId);
  const [tag] = await api.sql(
    "select manifest_id from tag_membership where repository_id = $1 and name = 'plain'",
    [repositoryId],
  );
  const [blob] = await api.sql(
    "select content_id from membership where repository_id = $1 and kind = 'blob' limit 1",
    [repositoryId],
  );
  return {
    name,
    freeName: `${name}-new`,
    repositoryId: toGlobalId('Repository', repositoryId),
    emptyRepositoryId: toGlobalId('Repository', served),
    waitingRepositoryId: toGlobalId('Repository', waiting),
    versionId,
    digest: digests.plain,
    tagId: toGlobalId('Tag', repositoryId, 1, 'plain'),
    manifestId: toGlobalId('Manifest', Number(tag?.['manifest_id'])),
    blobId: toGlobalId('Blob', Number(blob?.['content_id'])),
    remoteId: toGlobalId('Remote', remoteId),
    distributionId: toGlobalId('Distribution', distributionId),
    servedAt,
    taskId: toGlobalId('Task', await insertTask(api, repositoryId, 'FAILED')),
    openTaskId: toGlobalId('Task', await insertTask(api, busy)),
    scheduleId: toGlobalId('Schedule', scheduleId),
    signaturePolicyId: toGlobalId('SignaturePolicy', signaturePolicyId),
    credentialId: toGlobalId('Credential', credentialId),
    mirrorRuleId: toGlobalId('MirrorRule', mirrorRuleId),
    proxyId: toGlobalId('Proxy', proxyId),
    webhookId: toGlobalId('Webhook', webhookId),
    webhookDeliveryId: toGlobalId('WebhookDelivery', deliveryId),
    signatureId: toGlobalId('Signature', signatureId),
    tokenId: toGlobalId('Token', tokenId),
    grantId: toGlobalId('Grant', grantId),
  };
}
