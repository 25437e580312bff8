import { may } from '../../access/viewer.ts';
import { Distribution } from '../../db/schema/distributions.ts';
import {
  createDistribution,
  deleteDistribution,
  pointDistribution,
  updateDistribution,
} from '../distributions.ts';
import type { DistributionFields } from '../distributions.ts';
import type { Target } from '../distribution-target.ts';
import type { Operator } from '../operation.ts';
import type { Present, Values } from './configuration.ts';
import { readNames, referTo } from './find-named.ts';
import { inOrderOfIds, whereOf } from './kind.ts';
import type { Kind } from './kind.ts';

/** The distribution at a repository's own name may be listed too, to change its access. */
export const distributionKind: Kind = {
  kind: 'DISTRIBUTION',
  section: 'distributions',
  nameField: 'basePath',
  defaults: { pullThrough: false, signaturePolicy: null, version: null },
  kept: ['private'],
  secrets: [],
  references: { repository: 'REPOSITORY', signaturePolicy: 'SIGNATURE_POLICY' },
  async read({ em, viewer }, which) {
    const rows = await em.find(Distribution, whereOf(which, 'basePath'), inOrderOfIds);
    const seen = rows.filter(({ basePath }) => may(viewer, 'reader', basePath));
    const repositories = await readNames(
      em,
      viewer,
      'REPOSITORY',
      seen.map(({ repositoryId }) => repositoryId),
    );
    const policyIds = seen.map(({ signaturePolicyId }) => signaturePolicyId);
    const policies = await readNames(em, viewer, 'SIGNATURE_POLICY', policyIds);
    return seen.map((row) => ({
      id: row.id,
      name: row.basePath,
      values: {
        basePath: row.basePath,
        private: row.isPrivate,
        pullThrough: row.pullThrough,
        signaturePolicy: policies.get(row.signaturePolicyId ?? 0) ?? null,
        repository: repositories.get(row.repositoryId) ?? null,
        version: row.version ?? null,
      },
    }));
  },
  async create(operator, { isAccessOn }, values) {
    const fields = { ...(await toFields(operator, values)), ...(await targetOf(operator, values)) };
    return createDistribution(operator, { ...fields, basePath: String(values['basePath']) }, { isAccessOn });
  },
  async update(operator, _, { thing, changes, values }) {
    if ('repository' in changes || 'version' in changes) {
      const moved = await pointDistribution(operator, thing, await targetOf(operator, values));
      if (moved.mistakes !== undefined) return moved;
    }
    return updateDistribution(operator, thing, await toFields(operator, changes));
  },
  remove: (operator, _, thing) => deleteDistribution(operator, thing),
};

/** The distribution that a new repository brings. */
export function ownDistribution(name: string, isPrivate: boolean): Present {
  const values = { ...distributionKind.defaults, basePath: name, private: isPrivate, repository: name };
  return { id: 0, name, values };
}

async function toFields({ em }: Operator, values: Values): Promise<DistributionFields> {
  const { basePath: _, repository: __, version: ___, signaturePolicy, ...plain } = values;
  return {
    ...(plain as DistributionFields),
    signaturePolicy: await referTo(em, 'SIGNATURE_POLICY', 'signaturePolicy', signaturePolicy),
  };
}

async function targetOf({ em }: Operator, { repository, version }: Values): Promise<Target> {
  const reference = await referTo(em, 'REPOSITORY', 'repository', repository);
  if (typeof version !== 'number') return { version: undefined, repository: reference ?? undefined };
  const repositoryId = reference?.key ?? 0;
  const text = `version ${version} of ${String(repository)}`;
  return { version: { key: { repositoryId, number: version }, text }, repository: undefined };
}
