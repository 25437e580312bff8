import { may } from '../../access/viewer.ts';
import type { SecretBox } from '../../access/secrets.ts';
import { Remote } from '../../db/schema/remotes.ts';
import { withRuleDefaults } from '../../selection/tag-rules.ts';
import type { Operator } from '../operation.ts';
import { asUsed } from '../remotes/remote-fields.ts';
import type { RemoteFields } from '../remotes/remote-fields.ts';
import { openSecret } from '../remotes/remote-row.ts';
import { createRemote, deleteRemote, updateRemote } from '../remotes/remotes.ts';
import type { NewRemote, RemoteChanges } from '../remotes/remotes.ts';
import { splitProxyUrl } from '../remotes/urls.ts';
import type { Present, Values } from './configuration.ts';
import { readNames, referTo } from './find-named.ts';
import { isSameJson } from './is-same-json.ts';
import { inOrderOfIds, whereOf } from './kind.ts';
import type { Kind } from './kind.ts';

const secrets = ['password', 'sslClientKey', 'headers'] as const;

export const remoteKind: Kind = {
  kind: 'REMOTE',
  section: 'remotes',
  nameField: 'name',
  defaults: {
    policy: 'IMMEDIATE',
    includeTags: null,
    excludeTags: null,
    ...withRuleDefaults({}),
    sigstore: null,
    downloadConcurrency: 20,
    proxyUrl: null,
    sslCaCertificate: null,
    sslClientCertificate: null,
    sslValidation: true,
    followLayerUrls: false,
    totalTimeout: null,
    connectTimeout: null,
    sockReadTimeout: null,
    maxRetries: 3,
    rateLimit: null,
    username: null,
    realmHosts: null,
    credential: null,
    signaturePolicy: null,
  },
  kept: secrets,
  secrets,
  withoutSecrets: (field, value) =>
    field === 'proxyUrl' && typeof value === 'string' ? splitProxyUrl(value).publicUrl : value,
  references: { credential: 'CREDENTIAL', signaturePolicy: 'SIGNATURE_POLICY' },
  settle: settleRemote,
  isSame(field, wanted, { values }) {
    const present = values[field];
    if (field === 'proxyUrl' && typeof wanted === 'string' && typeof present === 'string')
      return wanted === present || wanted === splitProxyUrl(present).publicUrl;
    return isSameJson(wanted, present);
  },
  async read({ em, viewer, secrets: box }, which) {
    const rows = await em.find(Remote, whereOf(which, 'name'), inOrderOfIds);
    const seen = rows.filter(({ name }) => may(viewer, 'reader', name));
    const policyIds = seen.map(({ signaturePolicyId }) => signaturePolicyId);
    const policies = await readNames(em, viewer, 'SIGNATURE_POLICY', policyIds);
    const credentialIds = seen.map(({ credentialId }) => credentialId);
    const credentials = await readNames(em, viewer, 'CREDENTIAL', credentialIds);
    return seen.map((row) => describe(row, { policies, credentials }, box));
  },
  async create(operator, deps, values) {
    return createRemote(operator, (await toFields(operator, values)) as NewRemote, rules(deps));
  },
  async update(operator, deps, { thing, changes, values }) {
    // a change of the address deletes the stored secrets, so those that are given are given again
    const given = Object.entries(values).filter(([field]) => secrets.some((secret) => secret === field));
    const all = { ...Object.fromEntries(given), ...changes };
    return updateRemote(operator, thing, await toFields(operator, all), rules(deps));
  },
  remove: (operator, _, thing) => deleteRemote(operator, thing),
};

function rules({ addresses, secrets: box }: Parameters<Kind['create']>[1]) {
  return { addresses, secrets: box };
}

async function toFields({ em }: Operator, values: Values): Promise<RemoteChanges> {
  const signaturePolicy = await referTo(em, 'SIGNATURE_POLICY', 'signaturePolicy', values['signaturePolicy']);
  const credential = await referTo(em, 'CREDENTIAL', 'credential', values['credential']);
  return { ...(values as RemoteFields), signaturePolicy, credential };
}

/** The address in canonical form, and rules with their parts in a fixed order. */
export function settleRemote(values: Values): Values {
  const used = asUsed(values as RemoteFields);
  const { newestTags, headers } = used;
  return {
    ...used,
    ...(newestTags && {
      newestTags: {
        order: newestTags.order ?? 'SEMVER',
        count: newestTags.count,
        per: newestTags.per ?? 'ALL',
      },
    }),
    ...(headers && { headers: emptyToNull(headers.map(({ name, value }) => ({ name, value }))) }),
    realmHosts: emptyToNull(used.realmHosts),
  };
}

export interface Names {
  readonly policies: ReadonlyMap<number, string>;
  readonly credentials: ReadonlyMap<number, string>;
}

function describe(row: Remote, { policies, credentials }: Names, box: SecretBox): Present {
  const { id, name, tagRules, realmHosts } = row;
  const plain = Object.keys(remoteKind.defaults).filter((field) => field in row);
  const headers = openSecret(row, 'headers', box);
  return {
    id,
    name,
    values: {
      name,
      url: row.url,
      upstreamName: row.upstreamName,
      ...Object.fromEntries(plain.map((field) => [field, row[field as keyof Remote] ?? null])),
      ...withRuleDefaults(tagRules),
      realmHosts: emptyToNull(realmHosts),
      credential: credentials.get(row.credentialId ?? 0) ?? null,
      signaturePolicy: policies.get(row.signaturePolicyId ?? 0) ?? null,
      proxyUrl: openSecret(row, 'proxyUrl', box) ?? row.proxyUrl ?? null,
      password: openSecret(row, 'password', box) ?? null,
      sslClientKey: openSecret(row, 'sslClientKey', box) ?? null,
      headers: headers === undefined ? null : toPairs(JSON.parse(headers) as Record<string, string>),
    },
  };
}

function toPairs(headers: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(headers).map(([name, value]) => ({ name, value }));
}

function emptyToNull<Value>(list: readonly Value[] | null | undefined): readonly Value[] | null {
  return list && list.length > 0 ? list : null;
}
