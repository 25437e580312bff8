/** What somebody without rights may try by the API. */
import type { Things } from '../support/scene.ts';
import { mutation, text } from './others.ts';

/** A way in that takes something of the caller's and something that is another's; of GraphQL. */
interface Row {
  readonly name: string;
  readonly kind: keyof Things;
  readonly ask: (own: Things, named: string) => string;
}

export const rows: readonly Row[] = [
  {
    name: 'copy',
    kind: 'versionId',
    ask: (own, named) =>
      mutation(
        'repositoryCopyContent',
        `repositoryId: ${text(own.repositoryId)}, sourceVersionId: ${text(named)}`,
      ),
  },
  {
    name: 'tag',
    kind: 'digest',
    ask: (own, named) =>
      mutation(
        'repositoryTag',
        `repositoryId: ${text(own.repositoryId)}, tag: "mine", digest: ${text(named)}`,
      ),
  },
  {
    name: 'remove',
    kind: 'digest',
    ask: (own, named) =>
      mutation(
        'repositoryRemoveContent',
        `repositoryId: ${text(own.repositoryId)}, digests: [${text(named)}]`,
      ),
  },
  {
    name: 'restore',
    kind: 'versionId',
    ask: (_, named) => mutation('repositoryRestoreVersion', `versionId: ${text(named)}`),
  },
  {
    name: 'sync with a remote',
    kind: 'remoteId',
    ask: (own, named) =>
      mutation(
        'repositorySync',
        `repositoryId: ${text(own.repositoryId)}, remoteId: ${text(named)}, dryRun: true`,
      ),
  },
  {
    name: 'sync of a repository',
    kind: 'repositoryId',
    ask: (own, named) =>
      mutation(
        'repositorySync',
        `repositoryId: ${text(named)}, remoteId: ${text(own.remoteId)}, dryRun: true`,
      ),
  },
  {
    name: 'a remote of a repository',
    kind: 'remoteId',
    ask: (own, named) =>
      mutation('repositoryUpdate', `id: ${text(own.repositoryId)}, remoteId: ${text(named)}`),
  },
  {
    name: 'a schedule with a remote',
    kind: 'remoteId',
    ask: (own, named) => mutation('scheduleUpdate', `id: ${text(own.scheduleId)}, remoteId: ${text(named)}`),
  },
  {
    name: 'a schedule of a repository',
    kind: 'repositoryId',
    ask: (own, named) =>
      mutation(
        'scheduleCreate',
        `repositoryId: ${text(named)}, remoteId: ${text(own.remoteId)}, intervalSeconds: 31622400`,
      ),
  },
  {
    name: 'a distribution of a repository',
    kind: 'repositoryId',
    ask: (own, named) =>
      mutation('distributionCreate', `basePath: ${text(own.freeName)}, repositoryId: ${text(named)}`),
  },
  {
    name: 'a distribution of a version',
    kind: 'versionId',
    ask: (own, named) =>
      mutation('distributionCreate', `basePath: ${text(own.freeName)}, versionId: ${text(named)}`),
  },
  {
    name: 'where a distribution points',
    kind: 'versionId',
    ask: (own, named) =>
      mutation('distributionPoint', `id: ${text(own.distributionId)}, versionId: ${text(named)}`),
  },
  {
    name: 'a signature policy',
    kind: 'signaturePolicyId',
    ask: (own, named) =>
      mutation('repositoryUpdate', `id: ${text(own.repositoryId)}, signaturePolicyId: ${text(named)}`),
  },
  {
    name: 'a credential',
    kind: 'credentialId',
    ask: (own, named) => mutation('remoteUpdate', `id: ${text(own.remoteId)}, credentialId: ${text(named)}`),
  },
  ...(
    [
      ['remoteUpdate', 'remoteId'],
      ['mirrorRuleUpdate', 'mirrorRuleId'],
      ['proxyUpdate', 'proxyId'],
    ] as const
  ).map(([change, id]): Row => ({
    name: `a credential of a fallback in ${change}`,
    kind: 'credentialId',
    ask: (own, named) =>
      mutation(
        change,
        `id: ${text(own[id])}, fallbacks: [{ url: "https://a.example", credentialId: ${text(named)} }]`,
      ),
  })),
  ...(['from', 'to'] as const).map((side): Row => ({
    name: `a difference ${side} a version`,
    kind: 'versionId',
    ask: (own, named) =>
      `{ versionDiff(${side}: ${text(named)}, ${side === 'from' ? 'to' : 'from'}: ${text(own.versionId)}) {
        tags(first: 10) { totalCount } } }`,
  })),
];
