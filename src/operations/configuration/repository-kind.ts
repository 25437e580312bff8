import { may } from '../../access/viewer.ts';
import { Repository } from '../../db/schema/repositories.ts';
import { done, refused } from '../operation.ts';
import type { Operator, Outcome } from '../operation.ts';
import { createRepository, deleteRepository, updateRepository } from '../repositories.ts';
import type { RepositoryFields } from '../repositories.ts';
import type { Values } from './configuration.ts';
import { readNames, referTo } from './find-named.ts';
import { inOrderOfIds, whereOf } from './kind.ts';
import type { Kind } from './kind.ts';

export const repositoryKind: Kind = {
  kind: 'REPOSITORY',
  section: 'repositories',
  nameField: 'name',
  defaults: { description: null, retainVersions: null, remote: null, signaturePolicy: null },
  kept: [],
  secrets: [],
  references: { remote: 'REMOTE', signaturePolicy: 'SIGNATURE_POLICY' },
  async read({ em, viewer }, which) {
    const rows = await em.find(Repository, whereOf(which, 'name'), inOrderOfIds);
    const seen = rows.filter(({ name }) => may(viewer, 'reader', name));
    const remotes = await readNames(
      em,
      viewer,
      'REMOTE',
      seen.map(({ remoteId }) => remoteId),
    );
    const policyIds = seen.map(({ signaturePolicyId }) => signaturePolicyId);
    const policies = await readNames(em, viewer, 'SIGNATURE_POLICY', policyIds);
    return seen.map((row) => ({
      id: row.id,
      name: row.name,
      values: {
        name: row.name,
        description: row.description ?? null,
        retainVersions: row.retainVersions ?? null,
        remote: remotes.get(row.remoteId ?? 0) ?? null,
        signaturePolicy: policies.get(row.signaturePolicyId ?? 0) ?? null,
      },
    }));
  },
  async create(operator, { isAccessOn }, values) {
    const fields = { ...(await toFields(operator, values)), name: String(values['name']) };
    return idOf(await createRepository(operator, fields, { isPrivate: isAccessOn }));
  },
  async update(operator, _, { thing, changes }) {
    return idOf(await updateRepository(operator, thing, await toFields(operator, changes)));
  },
  remove: (operator, _, thing) => deleteRepository(operator, thing, { deleteRemote: false }),
};

function idOf({ value, mistakes }: Outcome<Repository>): Outcome<number> {
  return mistakes === undefined ? done(value.id) : refused(...mistakes);
}

async function toFields({ em }: Operator, values: Values): Promise<RepositoryFields> {
  const { remote, signaturePolicy, schedules: _, ...plain } = values;
  return {
    ...plain,
    remote: await referTo(em, 'REMOTE', 'remote', remote),
    signaturePolicy: await referTo(em, 'SIGNATURE_POLICY', 'signaturePolicy', signaturePolicy),
  };
}
