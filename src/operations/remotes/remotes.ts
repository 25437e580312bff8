import type { SecretBox } from '../../access/secrets.ts';
import { visibilityOf } from '../../access/viewer.ts';
import { keepDelivered } from '../../db/content/held-blobs.ts';
import { readRemoteUse } from '../../db/reads/read-repositories.ts';
import { Remote } from '../../db/schema/remotes.ts';
import type { Fallback } from '../../db/schema/upstreams.ts';
import { forgetDelivered } from '../../db/staging/reuse.ts';
import { quoteValue } from '../../oci/error.ts';
import { mistake } from '../mistakes.ts';
import type { Mistake } from '../mistakes.ts';
import { done, inTransaction, refused } from '../operation.ts';
import type { Operator, Outcome, Reference } from '../operation.ts';
import { lacksNames, lacksRole, newNameOf } from '../permit.ts';
import { isNameTaken, lockNamed, lockOwned, remoteNotFound } from '../references.ts';
import { lockRemoteCredential } from '../credentials/credential-use.ts';
import { lockFallbacks } from '../credentials/fallback-credentials.ts';
import { lockNamedPolicy } from '../signature-policies.ts';
import { withDefaults } from './given-fields.ts';
import {
  asUsed,
  checkClientCertificate,
  checkRemoteFields,
  keepsSecrets,
  remoteDefaults,
} from './remote-fields.ts';
import { checkDistinct, losesPlace } from './fallbacks.ts';
import type { RemoteFields } from './remote-fields.ts';
import { applyPlain, applySecrets, dropSecrets, openSecret } from './remote-row.ts';
import { remoteInUse } from './remote-use.ts';
import type { AddressRules } from './urls.ts';

export interface RemoteChanges extends RemoteFields {
  readonly signaturePolicy?: Reference | null | undefined;
  readonly credential?: Reference | null | undefined;
}

export interface NewRemote extends RemoteChanges {
  readonly name: string;
  readonly url: string;
  readonly upstreamName: string;
}

/** What remotes are checked by, and sealed with. */
export interface RemoteRules {
  readonly addresses: AddressRules;
  readonly secrets: SecretBox;
}

/** Needs the role maintainer for the name. */
export async function createRemote(
  operator: Operator,
  fields: NewRemote,
  { addresses, secrets }: RemoteRules,
): Promise<Outcome<number>> {
  const { viewer } = operator;
  const given = asUsed(withDefaults(fields, remoteDefaults));
  const { name, url, upstreamName } = given;
  return inTransaction(
    operator,
    async (em) => {
      const lacking = lacksRole(viewer, 'maintainer', name, 'name');
      if (lacking.length > 0) return refused(...lacking);
      const mistakes = [
        ...checkRemoteFields(given, addresses),
        ...checkClientCertificate(given, undefined, () => undefined),
      ];
      const signaturePolicyId = await lockNamedPolicy(em, viewer, fields.signaturePolicy, mistakes);
      const credentialId = await lockRemoteCredential(em, viewer, given, { mistakes });
      const fallbacks = await lockFallbacks(em, viewer, given.fallbacks, { mistakes });
      mistakes.push(...checkDistinct({ url, upstreamName }, fallbacks ?? []));
      if (await isNameTaken(em, 'remote', name)) mistakes.push(nameTaken(name));
      if (mistakes.length > 0) return refused(...mistakes);
      const row = em.create(Remote, {
        name,
        url,
        upstreamName,
        // null, as the secrets leave it without a proxy: else they would need an update
        proxyUrl: null,
        proxyUrlSealed: null,
        headerNames: [],
        realmHosts: [],
        tagRules: {},
        signaturePolicyId: signaturePolicyId ?? null,
        credentialId: credentialId ?? null,
        fallbacks: fallbacks ?? [],
      });
      applyPlain(row, given);
      // the id is part of what the secrets are sealed with
      await em.persist(row).flush();
      applySecrets(row, given, secrets);
      await em.flush();
      return done(row.id);
    },
    () => nameTaken(name),
  );
}

/** Needs the role maintainer for the remote's name, and for a new one. */
export async function updateRemote(
  operator: Operator,
  remote: Reference,
  changes: RemoteChanges,
  { addresses, secrets }: RemoteRules,
): Promise<Outcome<number>> {
  const { viewer } = operator;
  return inTransaction(
    operator,
    async (em) => {
      const row = await lockNamed(em, viewer, Remote, remote);
      const fields = asUsed(changes, row?.url);
      const newName = newNameOf(fields.name, row?.name);
      const lacking = lacksNames(viewer, row?.name, newName, remote);
      if (lacking.length > 0) return refused(...lacking);
      const mistakes = checkRemoteFields(fields, addresses);
      if (row === null) mistakes.unshift(remoteNotFound(remote));
      mistakes.push(
        ...checkClientCertificate(fields, row ?? undefined, () => openSecret(row, 'sslClientKey', secrets)),
      );
      const signaturePolicyId = await lockNamedPolicy(em, viewer, fields.signaturePolicy, mistakes);
      const current = row ?? undefined;
      const credentialId = await lockRemoteCredential(em, viewer, fields, { current, mistakes });
      const fallbacks = await lockFallbacks(em, viewer, fields.fallbacks, {
        current: row?.fallbacks ?? [],
        mistakes,
      });
      if (row !== null) mistakes.push(...checkPlaces(row, fields, fallbacks));
      if (newName !== undefined && (await isNameTaken(em, 'remote', newName)))
        mistakes.push(nameTaken(newName));
      if (row === null || mistakes.length > 0) return refused(...mistakes);
      if (!keepsSecrets(fields, row)) dropSecrets(row);
      const before = { url: row.url, upstreamName: row.upstreamName };
      applyPlain(row, fields);
      const isElsewhere = row.url !== before.url || row.upstreamName !== before.upstreamName;
      if (isElsewhere || (fallbacks && losesPlace(row.fallbacks, fallbacks)))
        await forgetDelivered(em, row.id);
      if (fallbacks !== undefined) row.fallbacks = fallbacks;
      applySecrets(row, fields, secrets);
      if (signaturePolicyId !== undefined) row.signaturePolicyId = signaturePolicyId;
      if (credentialId !== undefined) row.credentialId = credentialId;
      await em.flush();
      return done(row.id);
    },
    () => nameTaken(changes.name ?? ''),
  );
}

function checkPlaces(
  row: Remote,
  { url, upstreamName }: RemoteChanges,
  fallbacks: readonly Fallback[] | undefined,
): Mistake[] {
  const own = { url: url ?? row.url, upstreamName: upstreamName ?? row.upstreamName };
  return checkDistinct(own, fallbacks ?? row.fallbacks);
}

/** Needs the role maintainer for the remote's name, and that nothing uses it. */
export async function deleteRemote(operator: Operator, remote: Reference): Promise<Outcome<undefined>> {
  const { viewer } = operator;
  return inTransaction(operator, async (em) => {
    const owned = await lockOwned(em, viewer, Remote, { ...remote, notFound: remoteNotFound });
    if (owned.mistakes !== undefined) return refused(...owned.mistakes);
    const row = owned.value;
    const used = remoteInUse(row, await readRemoteUse(em, visibilityOf(viewer), row.id));
    if (used.length > 0) return refused(...used);
    await keepDelivered(em, row.id);
    await em.nativeDelete(Remote, { id: row.id });
    return done(undefined);
  });
}

function nameTaken(name: string): Mistake {
  return mistake(
    'ALREADY_EXISTS',
    ['name'],
    `There is a remote named ${quoteValue(name)}; choose another name, or update that one.`,
  );
}
