/** Each field that leads from one thing to another: what it leads to is another's, and the caller gets null (fault 91). */
import { getNamedType, isObjectType } from 'graphql';
import type { GraphQLObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApiSchema } from '../../src/api/graphql/build-schema.ts';
import { startAccessScene } from './support/scene.ts';
import type { AccessScene, Things } from './support/scene.ts';

let scene: AccessScene;
beforeAll(async () => {
  scene = await startAccessScene();
});
afterAll(() => scene?.close());

/** Fields to what belongs to the thing itself, or, of content, is looked for among what the caller sees; reach.test.ts has the latter. */
const within = [
  // viewer.test.ts has whose
  'Estate.recentVersions',
  'Manifest.blobs',
  'Manifest.manifests',
  'Manifest.referrers',
  'Manifest.signatures',
  'MirrorRule.lastRun',
  'Repository.latestVersion',
  'Repository.schedules',
  'Repository.tasks',
  'Repository.version',
  'Repository.versions',
  'RepositoryVersion.baseVersion',
  'RepositoryVersion.blobs',
  'RepositoryVersion.manifests',
  'RepositoryVersion.repository',
  'RepositoryVersion.signatures',
  'RepositoryVersion.tag',
  'RepositoryVersion.tags',
  'Schedule.repository',
  // viewer.test.ts has whose
  'SearchHit.repository',
  'SearchHit.task',
  'Signature.manifest',
  'Tag.manifest',
  'TagHistoryEntry.version',
  'Task.createdVersion',
  'Task.repository',
  // viewer.test.ts has whose
  'UpstreamQuota.remote',
  'Webhook.deliveries',
];

/** Fields that a row leads elsewhere with: how a thing of one's own comes to lead to another's, and where that shows. */
interface Lead {
  readonly field: string;
  readonly link: string;
  readonly from: (own: Things) => string;
  readonly to: (others: Things) => string;
  readonly ask: (own: Things) => string;
}

const node = (id: string, type: string, selection: string): string =>
  `{ node(id: ${JSON.stringify(id)}) { ... on ${type} { ${selection} } } }`;

const moves = (field: string) => (own: Things) =>
  node(own.distributionId, 'Distribution', `moves(first: 1) { nodes { ${field} { id } } }`);
const moved =
  'insert into distribution_move (distribution_id, from_repository_id, from_version, to_repository_id, to_version) values';

const leads: readonly Lead[] = [
  ...(
    [
      ['Repository.remote', 'repository', 'remote_id', 'repositoryId', 'remoteId'],
      [
        'Repository.signaturePolicy',
        'repository',
        'signature_policy_id',
        'repositoryId',
        'signaturePolicyId',
      ],
      ['MirrorRule.credential', 'mirror_rule', 'credential_id', 'mirrorRuleId', 'credentialId'],
      ['Proxy.signaturePolicy', 'proxy', 'signature_policy_id', 'proxyId', 'signaturePolicyId'],
      ['Proxy.credential', 'proxy', 'credential_id', 'proxyId', 'credentialId'],
      ['Remote.credential', 'remote', 'credential_id', 'remoteId', 'credentialId'],
      [
        'MirrorRule.signaturePolicy',
        'mirror_rule',
        'signature_policy_id',
        'mirrorRuleId',
        'signaturePolicyId',
      ],
      ['Remote.signaturePolicy', 'remote', 'signature_policy_id', 'remoteId', 'signaturePolicyId'],
      [
        'Distribution.signaturePolicy',
        'distribution',
        'signature_policy_id',
        'distributionId',
        'signaturePolicyId',
      ],
      [
        'Distribution.signaturePolicyInForce',
        'distribution',
        'signature_policy_id',
        'distributionId',
        'signaturePolicyId',
      ],
      [
        'Distribution.signaturePoliciesInForce',
        'distribution',
        'signature_policy_id',
        'distributionId',
        'signaturePolicyId',
      ],
      ['Distribution.repository', 'distribution', 'repository_id', 'distributionId', 'repositoryId'],
      ['Schedule.remote', 'schedule', 'remote_id', 'scheduleId', 'remoteId'],
      ['Grant.token', 'access_grant', 'token_id', 'grantId', 'tokenId'],
    ] as const
  ).map(([field, table, column, from, to]): Lead => ({
    field,
    link: `update ${table} set ${column} = $2 where id = $1`,
    from: (own) => own[from],
    to: (others) => others[to],
    ask: (own) => node(own[from], field.split('.')[0] ?? '', `${field.split('.')[1]} { id }`),
  })),
  {
    field: 'Distribution.version',
    link: 'update distribution set repository_id = $2, version = 1 where id = $1',
    from: (own) => own.distributionId,
    to: (others) => others.repositoryId,
    ask: (own) => node(own.distributionId, 'Distribution', 'version { id }'),
  },
  ...(['fromRepository', 'fromVersion', 'toRepository', 'toVersion'] as const).map((name): Lead => ({
    field: `DistributionMove.${name}`,
    link: `${moved} ($1, $2, 1, $2, 1)`,
    from: (own) => own.distributionId,
    to: (others) => others.repositoryId,
    ask: moves(name),
  })),
  {
    field: 'RepositoryVersion.task',
    link: 'update repository_version set task_id = $2 where repository_id = $1',
    from: (own) => own.repositoryId,
    to: (others) => others.taskId,
    ask: (own) => node(own.versionId, 'RepositoryVersion', 'task { id }'),
  },
  {
    field: 'ScheduleRun.task',
    link: "insert into schedule_run (schedule_id, due_at, outcome, task_id) values ($1, now(), 'STARTED', $2)",
    from: (own) => own.scheduleId,
    to: (others) => others.taskId,
    ask: (own) => node(own.scheduleId, 'Schedule', 'runs(first: 1) { nodes { task { id } } }'),
  },
  {
    field: 'Repository.proxy',
    link: 'insert into proxy_repository (repository_id, proxy_id) values ($1, $2)',
    from: (own) => own.repositoryId,
    to: (others) => others.proxyId,
    ask: (own) => node(own.repositoryId, 'Repository', 'proxy { id }'),
  },
  {
    field: 'Task.rule',
    link: 'update task set rule_id = $2 where id = $1',
    from: (own) => own.taskId,
    to: (others) => others.mirrorRuleId,
    ask: (own) => node(own.taskId, 'Task', 'rule { id }'),
  },
  ...(
    [
      ['repository', 'repository_id', 'repositoryId'],
      ['syncTask', 'sync_task_id', 'taskId'],
    ] as const
  ).map(([name, column, to]): Lead => ({
    field: `RuleOutcome.${name}`,
    link: `insert into rule_outcome (task_id, upstream_name, name, outcome, ${column}) values ($1, 'a', 'a', 'PRESENT', $2)`,
    from: (own) => own.taskId,
    to: (others) => others[to],
    ask: (own) => node(own.taskId, 'Task', `ruleOutcomes(first: 1) { nodes { ${name} { id } } }`),
  })),
  {
    field: 'Upstream.credential',
    link: `update remote set fallbacks = jsonb_build_array(jsonb_build_object('url', 'https://a.example', 'credentialId', $2::bigint)) where id = $1`,
    from: (own) => own.remoteId,
    to: (others) => others.credentialId,
    ask: (own) => node(own.remoteId, 'Remote', 'fallbacks { credential { id } }'),
  },
  {
    field: 'Verification.policy',
    link: 'update repository set signature_policy_id = $2 where id = $1',
    from: (own) => own.repositoryId,
    to: (others) => others.signaturePolicyId,
    ask: (own) => node(own.tagId, 'Tag', 'verified { policy { id } }'),
  },
];

const numberOf = (id: string): number => Number(Buffer.from(id, 'base64url').toString().split(':')[1]);

function isNode(type: GraphQLObjectType): boolean {
  return type.getInterfaces().some(({ name }) => name === 'Node');
}

/** What a field leads to, through the pages of a list. */
function targetOf(type: unknown): GraphQLObjectType | undefined {
  if (!isObjectType(type)) return undefined;
  const nodes = type.name.endsWith('Connection') ? type.getFields()['nodes'] : undefined;
  return nodes === undefined ? type : targetOf(getNamedType(nodes.type));
}

test('each field that leads to something with an id is in one of the two lists', () => {
  const types = Object.values(buildApiSchema().getTypeMap()).filter(isObjectType);
  const fields = types
    .filter(({ name }) => !/^(?:Query|Mutation|Subscription)$|(?:Payload|Connection|Edge)$/.test(name))
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter((field) => {
          const target = targetOf(getNamedType(field.type));
          return target !== undefined && isNode(target);
        })
        .map((field) => `${type.name}.${field.name}`),
    );
  expect([...within, ...leads.map(({ field }) => field)].sort()).toEqual(fields.sort());
});

describe('fault 91: what is another’s is null, or not in the list', () => {
  test.each(leads.map((lead) => [lead.field, lead] as const))(
    '%s',
    async (field, { link, from, to, ask }) => {
      const own = await scene.makeThings('team');
      const others = await scene.makeThings('other');
      await scene.api.sql(link, [numberOf(from(own)), numberOf(to(others))]);
      const name = field.split('.')[1] ?? '';
      const hidden = await scene.api.graphql(ask(own), {}, scene.tokens.admin);
      expect(hidden.errors).toBeUndefined();
      expect(JSON.stringify(hidden.data)).toMatch(new RegExp(`"${name}":(?:null|\\[\\])`));
      const shown = await scene.api.graphql(ask(own), {}, scene.tokens.root);
      expect(JSON.stringify(shown.data)).toMatch(new RegExp(`"${name}":\\[?\\{"id":`));
    },
  );
});
