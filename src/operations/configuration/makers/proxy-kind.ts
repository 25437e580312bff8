import type { SecretBox } from '../../../access/secrets.ts';
import { RegistryProxy } from '../../../db/schema/proxies.ts';
import { createProxy, proxySecrets, removeProxy, updateProxy } from '../../proxies/proxies.ts';
import type { NewProxy } from '../../proxies/proxies.ts';
import { proxyDefaults } from '../../proxies/proxy-fields.ts';
import type { ProxyFields } from '../../proxies/proxy-fields.ts';
import { templateOf } from '../../remotes/remote-template.ts';
import type { Present, Values } from '../configuration.ts';
import type { Kind } from '../kind.ts';
import { readWithReferences, remoteKind, settleRemote, toFields } from '../remote-kind.ts';
import { columnsOf, emptyToNull, withSecrets } from '../values.ts';

const ownDefaults = {
  ...proxyDefaults,
  namespaces: null,
  includeRepositories: null,
  excludeRepositories: null,
  cacheBytes: null,
  private: null,
} as const;

/** The fields of a remote are those of the remotes that the proxy makes. */
export const proxyKind: Kind = {
  ...remoteKind,
  kind: 'PROXY',
  section: 'proxies',
  nameField: 'basePath',
  defaults: { ...remoteKind.defaults, ...ownDefaults },
  settle: settleProxy,
  read: (reader, which) => readWithReferences(reader, RegistryProxy, which, describe),
  create: (maker, deps, values) => createProxy(maker, deps, toFields(maker, values) as NewProxy),
  update: (maker, deps, update) =>
    updateProxy(maker, deps, update.thing, toFields(maker, withSecrets(update, remoteKind.secrets))),
  remove: (maker, _, thing) => removeProxy(maker, thing),
};

function settleProxy(values: Values): Values {
  const { namespaces, includeRepositories, excludeRepositories } = values as ProxyFields;
  return {
    ...settleRemote(values),
    namespaces: emptyToNull(namespaces),
    includeRepositories: emptyToNull(includeRepositories),
    excludeRepositories: emptyToNull(excludeRepositories),
  };
}

function describe(row: RegistryProxy, box: SecretBox, references: Values): Present {
  const { id, name, url } = row;
  const secrets = remoteKind.secrets.map((field) => [field, null]);
  return {
    id,
    name,
    values: settleProxy({
      ...remoteKind.defaults,
      ...Object.fromEntries(secrets),
      ...templateOf(row, proxySecrets(box)),
      ...columnsOf(row, ownDefaults),
      ...references,
      basePath: name,
      private: row.isPrivate ?? null,
      url,
    }),
  };
}
