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
import { readReferences, toReferences } from './find-named.ts';
import { inOrderOfIds, whereOf } from './kind.ts';
import type { Kind } from './kind.ts';

const references = { repository: 'REPOSITORY', signaturePolicy: 'SIGNATURE_POLICY' } as const;

/** The distribution at a repository's own name may be listed too, to change its access. */
export const distributionKind: Kind = {
  kind: 'DISTRIBUTION',
  section: 'distributions',
  nameField: 'basePath',
  defaults: { pullThrough: false, signaturePolicy: null, version: null },
  kept: ['private'],
  secrets: [],
  references,
  async read(reader, which) {
    const rows = await reader.em.find(Distribution, whereOf(which, 'basePath'), inOrderOfIds);
    const seen = rows.filter(({ basePath }) => may(reader.viewer, 'reader', basePath));
    const named = await readReferences(reader, references, seen);
    return seen.map(({ id, basePath, isPrivate, pullThrough, version }, index) => ({
      id,
      name: basePath,
      values: { basePath, private: isPrivate, pullThrough, version: version ?? null, ...named[index] },
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
  const { basePath: _, repository: __, version: ___, ...plain } = values;
  const { signaturePolicy } = await toReferences(em, references, plain);
  return { ...(plain as DistributionFields), signaturePolicy };
}

async function targetOf({ em }: Operator, { repository, version }: Values): Promise<Target> {
  const { repository: reference } = await toReferences(em, references, { repository });
  if (typeof version !== 'number') return { version: undefined, repository: reference ?? undefined };
  const repositoryId = reference?.key ?? 0;
  const text = `version ${version} of ${String(repository)}`;
  return { version: { key: { repositoryId, number: version }, text }, repository: undefined };
}
