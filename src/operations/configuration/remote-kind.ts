import type { EntityName } from '@mikro-orm/core';
import type { SecretBox } from '../../access/secrets.ts';
import { Remote } from '../../db/schema/remotes.ts';
import type { Fallback } from '../../db/schema/upstreams.ts';
import { withRuleDefaults } from '../../selection/tag-rules.ts';
import { asUsed, remoteDefaults } from '../remotes/remote-fields.ts';
import type { RemoteFields } from '../remotes/remote-fields.ts';
import { openSecret, plainFields } from '../remotes/remote-row.ts';
import { createRemote, deleteRemote, updateRemote } from '../remotes/remotes.ts';
import type { NewRemote, RemoteChanges } from '../remotes/remotes.ts';
import { splitProxyUrl } from '../remotes/urls.ts';
import type { Present, Values } from './configuration.ts';
import {
  fallbackReferences,
  readFallbacks,
  settleFallbacks,
  toFallbackReferences,
} from './fallback-values.ts';
import { readReferences, readRows, toReferences } from './find-named.ts';
import type { Named } from '../../db/reads/read-named.ts';
import type { Kind, Maker, Reader, Which } from './kind.ts';
import { columnsOf, emptyToNull, isSameJson, withSecrets } from './values.ts';

const secrets = ['password', 'sslClientKey', 'headers'] as const;

export const remoteReferences = { credential: 'CREDENTIAL', signaturePolicy: 'SIGNATURE_POLICY' } as const;

export const remoteKind: Kind = {
  kind: 'REMOTE',
  section: 'remotes',
  nameField: 'name',
  defaults: {
    ...Object.fromEntries(plainFields.map((field) => [field, null])),
    ...withRuleDefaults({}),
    ...remoteDefaults,
    proxyUrl: null,
    realmHosts: null,
    fallbacks: null,
    credential: null,
    signaturePolicy: null,
  },
  kept: secrets,
  secrets,
  withoutSecrets: (field, value) =>
    field === 'proxyUrl' && typeof value === 'string' ? splitProxyUrl(value).publicUrl : value,
  references: remoteReferences,
  listReferences: fallbackReferences,
  settle: settleRemote,
  isSame(field, wanted, { values }) {
    const present = values[field];
    if (field === 'proxyUrl' && typeof wanted === 'string' && typeof present === 'string')
      return wanted === present || wanted === splitProxyUrl(present).publicUrl;
    return isSameJson(wanted, present);
  },
  read: (reader, which) => readWithReferences(reader, Remote, which, describe),
  create: (maker, deps, values) => createRemote(maker, toFields(maker, values) as NewRemote, rules(deps)),
  update: (maker, deps, update) =>
    updateRemote(maker, update.thing, toFields(maker, withSecrets(update, secrets)), rules(deps)),
  remove: (maker, _, thing) => deleteRemote(maker, thing),
};

function rules({ addresses, secrets: box }: Parameters<Kind['create']>[1]) {
  return { addresses, secrets: box };
}

/** The rows that the viewer may read, each described with the names of what it refers to. Mirror rules and proxies refer to the same. */
export async function readWithReferences<Row extends Named & { readonly fallbacks: readonly Fallback[] }>(
  reader: Reader,
  entity: EntityName<Row>,
  which: Which,
  describeRow: (row: Row, box: SecretBox, references: Values) => Present,
): Promise<Present[]> {
  const rows = await readRows(reader, entity, which);
  const references = await readReferences(reader, remoteReferences, rows);
  const fallbacks = await readFallbacks(reader, rows);
  return rows.map((row, index) =>
    describeRow(row, reader.secrets, { ...references[index], fallbacks: fallbacks[index] }),
  );
}

/** The values as operations take them: with references in the place of names. */
export function toFields(maker: Maker, values: Values): RemoteChanges {
  return {
    ...(values as RemoteFields),
    ...toReferences(maker, remoteReferences, values),
    ...toFallbackReferences(maker, values),
  };
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
    fallbacks: settleFallbacks(values['fallbacks']),
  };
}

function describe(row: Remote, box: SecretBox, references: Values): Present {
  const { id, name, url, upstreamName } = row;
  const headers = openSecret(row, 'headers', box);
  return {
    id,
    name,
    values: {
      name,
      url,
      upstreamName,
      ...columnsOf(row, remoteKind.defaults),
      ...withRuleDefaults(row.tagRules),
      ...references,
      realmHosts: emptyToNull(row.realmHosts),
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
