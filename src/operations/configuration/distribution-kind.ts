import { may } from '../../access/viewer.ts';
import { Distribution } from '../../db/schema/distributions.ts';
import {
  createDistribution,
  defaultNotFoundSeconds,
  deleteDistribution,
  pointDistribution,
  updateDistribution,
} from '../distributions.ts';
import type { DistributionFields } from '../distributions.ts';
import type { Target } from '../distribution-target.ts';
import type { Present, Values } from './configuration.ts';
import { readReferences, toReferences } from './find-named.ts';
import { inOrderOfIds, whereOf } from './kind.ts';
import type { Kind, Maker } from './kind.ts';

const references = { repository: 'REPOSITORY', signaturePolicy: 'SIGNATURE_POLICY' } as const;

/** The distribution at a repository's own name may be listed too, to change its access. */
export const distributionKind: Kind = {
  kind: 'DISTRIBUTION',
  section: 'distributions',
  nameField: 'basePath',
  defaults: {
    pullThrough: false,
    tagTtlSeconds: null,
    notFoundTtlSeconds: defaultNotFoundSeconds,
    signaturePolicy: null,
    version: null,
  },
  kept: ['private'],
  secrets: [],
  references,
  async read(reader, which) {
    const rows = await reader.em.find(Distribution, whereOf(which, 'basePath'), inOrderOfIds);
    const seen = rows.filter(({ basePath }) => may(reader.viewer, 'reader', basePath));
    const named = await readReferences(reader, references, seen);
    return seen.map(({ id, basePath, isPrivate, pullThrough, notFoundTtlSeconds, ...row }, index) => ({
      id,
      name: basePath,
      values: {
        basePath,
        private: isPrivate,
        pullThrough,
        tagTtlSeconds: row.tagTtlSeconds ?? null,
        notFoundTtlSeconds,
        version: row.version ?? null,
        ...named[index],
      },
    }));
  },
  create(maker, { isAccessOn }, values) {
    const fields = { ...toFields(maker, values), ...targetOf(maker, values) };
    return createDistribution(maker, { ...fields, basePath: String(values['basePath']) }, { isAccessOn });
  },
  async update(maker, _, { thing, changes, values }) {
    if ('repository' in changes || 'version' in changes) {
      const moved = await pointDistribution(maker, thing, targetOf(maker, values));
      if (moved.mistakes !== undefined) return moved;
    }
    return updateDistribution(maker, thing, toFields(maker, changes));
  },
  remove: (maker, _, thing) => deleteDistribution(maker, thing),
};

/** The distribution that a new repository brings. */
export function ownDistribution(name: string, isPrivate: boolean): Present {
  const values = { ...distributionKind.defaults, basePath: name, private: isPrivate, repository: name };
  return { id: 0, name, values };
}

function toFields(maker: Maker, values: Values): DistributionFields {
  const { basePath: _, repository: __, version: ___, ...plain } = values;
  const { signaturePolicy } = toReferences(maker, references, plain);
  return { ...(plain as DistributionFields), signaturePolicy };
}

function targetOf(maker: Maker, { repository, version }: Values): Target {
  const { repository: reference } = toReferences(maker, references, { repository });
  if (typeof version !== 'number') return { version: undefined, repository: reference ?? undefined };
  const repositoryId = reference?.key ?? 0;
  const text = `version ${version} of ${String(repository)}`;
  return { version: { key: { repositoryId, number: version }, text }, repository: undefined };
}
