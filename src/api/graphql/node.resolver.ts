import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import { findTag } from '../../db/reads/tags/read-tags.ts';
import { toGrantType, toTokenType } from './access/access.type.ts';
import { toBlobType, toManifestType, toSignatureType, toTagType } from './content/content.type.ts';
import type { RequestContext } from './context.ts';
import { toCredentialType } from './credentials/credential.type.ts';
import { toDistributionType } from './distributions/distribution.type.ts';
import { parseGlobalId, parseKeyNumber } from '../../operations/global-id.ts';
import type { GlobalId } from '../../operations/global-id.ts';
import { NodeType } from './node.type.ts';
import { toProxyType } from './proxies/proxy.type.ts';
import { toRemoteType } from './remotes/remote.type.ts';
import { toRepositoryType } from './repositories/repository.type.ts';
import { toMirrorRuleType } from './rules/rule.type.ts';
import { toScheduleType } from './schedules/schedule.type.ts';
import { toSignaturePolicyType } from './policies/signature-policy.type.ts';
import { toTaskType } from './tasks/task.type.ts';
import { toRepositoryVersionType } from './versions/version.type.ts';
import { toDeliveryType } from './webhooks/webhook-delivery.type.ts';
import { toWebhookType } from './webhooks/webhook.type.ts';

@Resolver()
export class NodeResolver {
  @Query(() => NodeType, {
    nullable: true,
    description: 'An object by its global id; null when there is none.',
  })
  async node(
    @Arg('id', () => ID, { description: 'The global id.' }) id: string,
    @Ctx() context: RequestContext,
  ): Promise<NodeType | null> {
    const parsed = parseGlobalId(id);
    return parsed === undefined ? null : ((await loadNode(context, parsed)) ?? null);
  }
}

async function loadNode(
  { em, loaders }: RequestContext,
  { type, key }: GlobalId,
): Promise<NodeType | undefined> {
  const first = parseKeyNumber(key[0]);
  const second = parseKeyNumber(key[1]);
  if (first === undefined) return undefined;
  switch (type) {
    case 'Repository':
      return mapped(await loaders.repositories.load(first), toRepositoryType);
    case 'Remote':
      return mapped(await loaders.remotes.load(first), toRemoteType);
    case 'Task':
      return mapped(await loaders.tasks.load(first), toTaskType);
    case 'Manifest':
      return mapped(await loaders.manifests.load(first), toManifestType);
    case 'Blob':
      return mapped(await loaders.blobs.load(first), toBlobType);
    case 'RepositoryVersion': {
      if (second === undefined || second > 2_147_483_647) return undefined;
      return mapped(
        await loaders.versions.load({ repositoryId: first, number: second }),
        toRepositoryVersionType,
      );
    }
    case 'Tag': {
      const name = key[2] ?? '';
      if (second === undefined || second > 2_147_483_647 || name.includes('\0')) return undefined;
      return mapped(
        await findTag(em, loaders.visibility, { repositoryId: first, addedIn: second, name }),
        toTagType,
      );
    }
    case 'Distribution':
      return mapped(await loaders.distributions.load(first), toDistributionType);
    case 'SignaturePolicy':
      return mapped(await loaders.signaturePolicies.load(first), toSignaturePolicyType);
    case 'Credential':
      return mapped(await loaders.credentials.load(first), toCredentialType);
    case 'Schedule':
      return mapped(await loaders.schedules.load(first), toScheduleType);
    case 'Token':
      return mapped(await loaders.tokens.load(first), toTokenType);
    case 'Grant':
      return mapped(await loaders.grants.load(first), toGrantType);
    case 'MirrorRule':
      return mapped(await loaders.mirrorRules.load(first), toMirrorRuleType);
    case 'Proxy':
      return mapped(await loaders.proxies.load(first), toProxyType);
    case 'Webhook':
      return mapped(await loaders.webhooks.load(first), toWebhookType);
    case 'WebhookDelivery':
      return mapped(await loaders.webhookDeliveries.load(first), toDeliveryType);
    case 'Signature':
      return mapped(await loaders.signatures.load(first), toSignatureType);
  }
}

function mapped<Row, Value>(row: Row | undefined, map: (row: Row) => Value): Value | undefined {
  return row === undefined ? undefined : map(row);
}
