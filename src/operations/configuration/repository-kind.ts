import { Repository } from '../../db/schema/repositories.ts';
import { done, refused } from '../operation.ts';
import type { Outcome } from '../operation.ts';
import { createRepository, deleteRepository, updateRepository } from '../repositories.ts';
import type { RepositoryFields } from '../repositories.ts';
import type { Values } from './configuration.ts';
import { readReferences, readRows, toReferences } from './find-named.ts';
import type { Kind, Maker } from './kind.ts';
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
  async create(maker, { isAccessOn }, values) {
    const fields = { ...toFields(maker, values), name: String(values['name']) };
    return idOf(await createRepository(maker, fields, { isPrivate: isAccessOn }));
  },
  async update(maker, _, { thing, changes }) {
    return idOf(await updateRepository(maker, thing, toFields(maker, changes)));
  },
  remove: (maker, _, thing) => deleteRepository(maker, thing, { deleteRemote: false }),
};

function idOf({ value, mistakes }: Outcome<Repository>): Outcome<number> {
  return mistakes === undefined ? done(value.id) : refused(...mistakes);
}

function toFields(maker: Maker, values: Values): RepositoryFields {
  return { ...values, ...toReferences(maker, references, values) };
}
