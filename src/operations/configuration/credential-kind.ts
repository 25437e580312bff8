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
import { readRows } from './find-named.ts';
import type { Kind } from './kind.ts';
import { columnsOf, withSecrets } from './values.ts';

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
  async read(reader, which) {
    const rows = await readRows(reader, Credential, which);
    return rows.map((row) => describe(row, reader.secrets));
  },
  create: (maker, deps, values) => createCredential(maker, values as unknown as NewCredential, deps.secrets),
  async update(maker, deps, update) {
    if ('kind' in update.changes)
      return refused(
        invalid('kind', 'The kind of a credential cannot be changed; give the new one another name.'),
      );
    return updateCredential(maker, update.thing, withSecrets(update, secrets), deps.secrets);
  },
  remove: (maker, _, thing) => deleteCredential(maker, thing),
};

function describe(row: Credential, box: SecretBox): Present {
  const secret = openCredential(row, box) ?? null;
  return {
    id: row.id,
    name: row.name,
    values: {
      name: row.name,
      kind: row.kind,
      ...columnsOf(row, credentialKind.defaults),
      password: row.kind === 'GOOGLE' ? null : secret,
      serviceAccountKey: row.kind === 'GOOGLE' ? secret : null,
    },
  };
}
