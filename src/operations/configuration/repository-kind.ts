import { Repository } from '../../db/schema/repositories.ts';
import { done, refused } from '../operation.ts';
import type { Operator, Outcome } from '../operation.ts';
import { createRepository, deleteRepository, updateRepository } from '../repositories.ts';
import type { RepositoryFields } from '../repositories.ts';
import type { Values } from './configuration.ts';
import { readReferences, readRows, toReferences } from './find-named.ts';
import type { Kind } from './kind.ts';
import { columnsOf } from './values.ts';

const references = { remote: 'REMOTE', signaturePolicy: 'SIGNATURE_POLICY' } as const;

export const repositoryKind: Kind = {
  kind: 'REPOSITORY',
  section: 'repositories',
  nameField: 'name',
  defaults: { description: null, retainVersions: null, remote: null, signaturePolicy: null },
  kept: [],
  secrets: [],
  references,
  async read(reader, which) {
    const rows = await readRows(reader, Repository, which);
    const named = await readReferences(reader, references, rows);
    return rows.map((row, index) => {
      const { id, name } = row;
      return { id, name, values: { name, ...columnsOf(row, repositoryKind.defaults), ...named[index] } };
    });
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
  return { ...values, ...(await toReferences(em, references, values)) };
}
