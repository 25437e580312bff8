import { LockMode } from '@mikro-orm/core';
import { hostRefusal } from '../../access/credentials/kinds.ts';
import type { Viewer } from '../../access/viewer.ts';
import { Credential } from '../../db/schema/credentials.ts';
import type { Em } from '../../db/open-database.ts';
import type { Remote } from '../../db/schema/remotes.ts';
import { invalid } from '../mistakes.ts';
import type { Mistake } from '../mistakes.ts';
import type { Reference } from '../operation.ts';
import { lacksRole, seen } from '../permit.ts';
import { credentialNotFound } from '../references.ts';
import { keepsSecrets } from '../remotes/remote-fields.ts';
import type { RemoteFields } from '../remotes/remote-fields.ts';

/** The fields of a remote's input that decide on its login. */
export interface LoginFields extends RemoteFields {
  readonly credential?: Reference | null | undefined;
}

/**
 * The key of the credential that a remote uses after the change, locked against deletion; null for none, undefined for "keep". A remote shows
 * its credential to its upstream, so naming one needs the role maintainer for it. So does a change of a remote that would show a credential
 * to others.
 */
export async function lockRemoteCredential(
  em: Em,
  viewer: Viewer,
  fields: LoginFields,
  { current, mistakes }: { readonly current?: Remote | undefined; readonly mistakes: Mistake[] },
): Promise<number | null | undefined> {
  const { credential } = fields;
  const isKept =
    credential === undefined || (credential !== null && credential.key === current?.credentialId);
  const keptId = isKept ? current?.credentialId : undefined;
  const key = keptId ?? credential?.key;
  mistakes.push(...checkOneLogin(fields, current, keptId ?? credential));
  if (credential === null || (credential === undefined && keptId == null)) return credential;
  const found =
    key === undefined
      ? null
      : await em.findOne(Credential, { id: key }, { lockMode: LockMode.PESSIMISTIC_READ });
  const named = credential ?? { field: 'credentialId', text: '', key };
  if (found !== null && keptId !== undefined && keepsSecrets(fields, current)) return undefined;
  const row = seen(viewer, found, ({ name }) => name);
  if (row === null && keptId !== undefined) mistakes.push(mayNotKeep());
  else if (row === null) mistakes.push(credentialNotFound(named));
  else mistakes.push(...lacksRole(viewer, 'maintainer', row.name, named.field));
  const url = fields.url ?? current?.url;
  const refusal =
    row === null || url === undefined || !URL.canParse(url) ? undefined : hostRefusal(row, new URL(url));
  if (refusal !== undefined) mistakes.push(invalid('credentialId', refusal));
  return row?.id;
}

/** A remote has one login: a credential, or a user name and password of its own. */
function checkOneLogin(
  { username, password }: LoginFields,
  current: Remote | undefined,
  credential: Reference | number | null | undefined,
): Mistake[] {
  if (credential === null || credential === undefined) return [];
  const keepsUser = username === undefined && typeof current?.username === 'string';
  const keepsPassword = password === undefined && typeof current?.passwordSealed === 'string';
  if (typeof username !== 'string' && typeof password !== 'string' && !keepsUser && !keepsPassword) return [];
  return [
    invalid(
      'credentialId',
      'The remote would have a credential and a user name or password of its own; expected one of them. Clear username and password, or credentialId, in the same ' +
        'update.',
    ),
  ];
}

function mayNotKeep(): Mistake {
  return invalid(
    'credentialId',
    'The remote uses a credential that you may not use, and this change of url, proxyUrl, sslCaCertificate or sslValidation would show it to ' +
      'others. Clear credentialId in the same update, or give one that you may use.',
  );
}
