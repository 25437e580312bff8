import { isAmbient } from '../../access/credentials/kinds.ts';
import type { SecretBox } from '../../access/secrets.ts';
import { visibilityOf } from '../../access/viewer.ts';
import type { Viewer } from '../../access/viewer.ts';
import { readCredentialUse, touchRemotes } from '../../db/access/credentials.ts';
import type { CredentialUse } from '../../db/access/credentials.ts';
import { Credential } from '../../db/schema/credentials.ts';
import type { CredentialKind } from '../../db/schema/credentials.ts';
import { quoteValue } from '../../oci/error.ts';
import { listNames, mistake } from '../mistakes.ts';
import type { Mistake } from '../mistakes.ts';
import { done, inTransaction, refused } from '../operation.ts';
import type { Operator, Outcome, Reference } from '../operation.ts';
import { lacksNames, lacksRole, newNameOf } from '../permit.ts';
import { credentialNotFound, isNameTaken, lockNamed, lockOwned } from '../references.ts';
import { checkCredentialFields } from './credential-fields.ts';
import type { CredentialFields } from './credential-fields.ts';

export interface NewCredential extends CredentialFields {
  readonly name: string;
  readonly kind: CredentialKind;
}

/** Needs the role maintainer for the name; for identities of the server, also admin for everything. */
export async function createCredential(
  operator: Operator,
  fields: NewCredential,
  secrets: SecretBox,
): Promise<Outcome<number>> {
  const { viewer } = operator;
  const { name, kind } = fields;
  return inTransaction(
    operator,
    async (em) => {
      const lacking = [
        ...lacksRole(viewer, 'maintainer', name, 'name'),
        ...lacksAmbient(viewer, kind, typeof fields.serviceAccountKey === 'string', 'kind'),
      ];
      if (lacking.length > 0) return refused(...lacking);
      const mistakes = checkCredentialFields(kind, fields);
      if (await isNameTaken(em, 'credential', name)) mistakes.push(nameTaken(name));
      if (mistakes.length > 0) return refused(...mistakes);
      const row = em.create(Credential, { name, kind });
      // The id is part of what the secret is sealed with.
      await em.persist(row).flush();
      applyFields(row, fields, secrets);
      await em.flush();
      return done(row.id);
    },
    () => nameTaken(name),
  );
}

/** Needs the role maintainer for the credential's name, and for a new one; for identities of the server, also admin for everything. */
export async function updateCredential(
  operator: Operator,
  credential: Reference,
  fields: CredentialFields,
  secrets: SecretBox,
): Promise<Outcome<number>> {
  const { viewer } = operator;
  return inTransaction(
    operator,
    async (em) => {
      const row = await lockNamed(em, viewer, Credential, credential);
      if (row === null) return refused(credentialNotFound(credential));
      const newName = newNameOf(fields.name, row.name);
      const lacking = [
        ...lacksNames(viewer, row.name, newName, credential),
        ...lacksAmbient(viewer, row.kind, hasKey(row, fields), credential.field),
      ];
      if (lacking.length > 0) return refused(...lacking);
      const mistakes = checkCredentialFields(row.kind, fields, row);
      if (newName !== undefined && (await isNameTaken(em, 'credential', newName)))
        mistakes.push(nameTaken(newName));
      if (mistakes.length > 0) return refused(...mistakes);
      applyFields(row, fields, secrets);
      await em.flush();
      await touchRemotes(em, row.id);
      return done(row.id);
    },
    () => nameTaken(fields.name ?? ''),
  );
}

/** Needs the role maintainer for the credential's name, and that nothing uses it. */
export async function deleteCredential(
  operator: Operator,
  credential: Reference,
): Promise<Outcome<undefined>> {
  const { viewer } = operator;
  return inTransaction(operator, async (em) => {
    const owned = await lockOwned(em, viewer, Credential, { ...credential, notFound: credentialNotFound });
    if (owned.mistakes !== undefined) return refused(...owned.mistakes);
    const row = owned.value;
    const use = await readCredentialUse(em, visibilityOf(viewer), row.id);
    if (use.count > 0) return refused(inUse(row, use));
    await em.nativeDelete(Credential, { id: row.id });
    return done(undefined);
  });
}

/** Whether a credential of GOOGLE has a key of its own after the change. */
function hasKey(row: Credential, { serviceAccountKey }: CredentialFields): boolean {
  return serviceAccountKey === undefined ? typeof row.secretSealed === 'string' : serviceAccountKey !== null;
}

/** An identity of the server is not the caller's own: only who may do everything lends it. */
function lacksAmbient(viewer: Viewer, kind: CredentialKind, hasOwnKey: boolean, field: string): Mistake[] {
  if (!isAmbient(kind, hasOwnKey)) return [];
  return lacksRole(viewer, 'admin', '*', field);
}

const plainFields = ['name', 'username', 'configFile', 'helper', 'region', 'roleArn', 'clientId'] as const;

function applyFields(row: Credential, fields: CredentialFields, secrets: SecretBox): void {
  for (const field of plainFields)
    if (fields[field] !== undefined) Object.assign(row, { [field]: fields[field] });
  if (fields.hosts !== undefined) row.hosts = fields.hosts;
  const secret = row.kind === 'GOOGLE' ? fields.serviceAccountKey : fields.password;
  if (secret === undefined) return;
  row.secretSealed = secret === null ? null : secrets.encrypt(secret, `credential:${row.id}:secret`);
}

/** The stored secret in clear text; undefined where there is none. */
export function openCredential({ id, secretSealed }: Credential, secrets: SecretBox): string | undefined {
  return typeof secretSealed === 'string'
    ? secrets.decrypt(secretSealed, `credential:${id}:secret`)
    : undefined;
}

function nameTaken(name: string): Mistake {
  return mistake(
    'ALREADY_EXISTS',
    ['name'],
    `There is a credential named ${quoteValue(name)}; choose another name, or update that one.`,
  );
}

function inUse(row: Credential, { names, count }: CredentialUse): Mistake {
  return mistake(
    'IN_USE',
    ['id'],
    `The credential ${quoteValue(row.name)} is used by the remotes, mirror rules and proxies ${listNames(names, count)}; give them another credential, or none, first.`,
  );
}
