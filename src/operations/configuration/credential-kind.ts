import { may } from '../../access/viewer.ts';
import type { SecretBox } from '../../access/secrets.ts';
import { Credential } from '../../db/schema/credentials.ts';
import {
  createCredential,
  deleteCredential,
  openCredential,
  updateCredential,
} from '../credentials/credentials.ts';
import type { NewCredential } from '../credentials/credentials.ts';
import { invalid } from '../mistakes.ts';
import { refused } from '../operation.ts';
import type { Present } from './configuration.ts';
import { inOrderOfIds, whereOf } from './kind.ts';
import type { Kind } from './kind.ts';

const secrets = ['password', 'serviceAccountKey'] as const;

export const credentialKind: Kind = {
  kind: 'CREDENTIAL',
  section: 'credentials',
  nameField: 'name',
  defaults: {
    hosts: null,
    username: null,
    configFile: null,
    helper: null,
    region: null,
    roleArn: null,
    clientId: null,
  },
  kept: secrets,
  secrets,
  references: {},
  async read({ em, viewer, secrets: box }, which) {
    const rows = await em.find(Credential, whereOf(which, 'name'), inOrderOfIds);
    return rows.filter(({ name }) => may(viewer, 'reader', name)).map((row) => describe(row, box));
  },
  create: (operator, deps, values) =>
    createCredential(operator, values as unknown as NewCredential, deps.secrets),
  async update(operator, deps, { thing, changes, values }) {
    if ('kind' in changes)
      return refused(
        invalid('kind', 'The kind of a credential cannot be changed; give the new one another name.'),
      );
    // other hosts may receive the stored secret only with the secret
    const given = Object.entries(values).filter(([field]) => secrets.some((secret) => secret === field));
    const all = { ...Object.fromEntries(given), ...changes };
    return updateCredential(operator, thing, all, deps.secrets);
  },
  remove: (operator, _, thing) => deleteCredential(operator, thing),
};

function describe(row: Credential, box: SecretBox): Present {
  const plain = Object.keys(credentialKind.defaults) as (keyof Credential)[];
  const secret = openCredential(row, box) ?? null;
  return {
    id: row.id,
    name: row.name,
    values: {
      name: row.name,
      kind: row.kind,
      ...Object.fromEntries(plain.map((field) => [field, row[field] ?? null])),
      password: row.kind === 'GOOGLE' ? null : secret,
      serviceAccountKey: row.kind === 'GOOGLE' ? secret : null,
    },
  };
}
