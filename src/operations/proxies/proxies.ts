import { findNamespaceOwner, lockNamespaces } from '../../db/proxies/proxies.ts';
import { RegistryProxy } from '../../db/schema/proxies.ts';
import type { SecretBox } from '../../access/secrets.ts';
import type { Em } from '../../db/open-database.ts';
import { quoteValue } from '../../oci/error.ts';
import { registryBaseUrl } from '../../oci/hosts/registry-address.ts';
import { applyTemplateChange, lockTemplate } from '../credentials/template-credential.ts';
import { mistake, noSuchId } from '../mistakes.ts';
import type { Mistake } from '../mistakes.ts';
import { done, inTransaction, refused } from '../operation.ts';
import type { Operator, Outcome, Reference } from '../operation.ts';
import { isNameTaken, lockNamed, lockOwned } from '../references.ts';
import { withDefaults } from '../remotes/given-fields.ts';
import { remoteDefaults } from '../remotes/remote-fields.ts';
import type { TemplateSecrets } from '../remotes/remote-template.ts';
import type { RemoteRules } from '../remotes/remotes.ts';
import { checkProxyFields, lacksBasePath, lacksNamespaces, proxyDefaults } from './proxy-fields.ts';
import type { ProxyFields } from './proxy-fields.ts';

export interface NewProxy extends ProxyFields {
  readonly basePath: string;
  readonly url: string;
}

/** Opens and seals the secrets of proxies. */
export function proxySecrets(box: SecretBox): TemplateSecrets {
  return { table: 'proxy', box };
}

/** Needs the role maintainer for the base path, and for all names below it. */
export async function createProxy(
  operator: Operator,
  rules: RemoteRules,
  fields: NewProxy,
): Promise<Outcome<number>> {
  const { viewer } = operator;
  const { basePath } = fields;
  const secrets = proxySecrets(rules.secrets);
  return inTransaction(
    operator,
    async (em) => {
      const lacking = [
        ...lacksBasePath(viewer, basePath, 'basePath'),
        ...lacksNamespaces(viewer, fields.namespaces, []),
      ];
      if (lacking.length > 0) return refused(...lacking);
      const given = withDefaults(fields, { ...remoteDefaults, ...proxyDefaults });
      const mistakes = checkProxyFields(given, rules.addresses);
      await lockNamespaces(em);
      const named = await lockTemplate(em, viewer, secrets, { row: null, fields, mistakes });
      if (await isNameTaken(em, 'proxy', basePath)) mistakes.push(basePathTaken(basePath));
      mistakes.push(...(await findTakenNamespaces(em, fields.namespaces, undefined)));
      if (mistakes.length > 0) return refused(...mistakes);
      const row = em.create(RegistryProxy, {
        name: basePath,
        url: registryBaseUrl(given.url),
        namespaces: [],
        includeRepositories: [],
        excludeRepositories: [],
        template: {},
        fallbacks: [],
        madeBy: viewer.identity,
      });
      applyOwn(row, given);
      // the id is part of what the secrets are sealed with
      await em.persist(row).flush();
      applyTemplateChange(row, given, named, secrets);
      await em.flush();
      return done(row.id);
    },
    () => basePathTaken(basePath),
  );
}

/**
 * Needs the role maintainer for the base path, for a new one, and for all names below them. Repositories that the proxy has made stay as they
 * are. It makes later ones with the rights of whoever changed it last.
 */
export async function updateProxy(
  operator: Operator,
  rules: RemoteRules,
  proxy: Reference,
  changes: ProxyFields,
): Promise<Outcome<number>> {
  const { viewer } = operator;
  const secrets = proxySecrets(rules.secrets);
  return inTransaction(
    operator,
    async (em) => {
      await lockNamespaces(em);
      const row = await lockNamed(em, viewer, RegistryProxy, proxy);
      const newPath =
        typeof changes.basePath === 'string' && changes.basePath !== row?.name ? changes.basePath : undefined;
      const lacking = [
        ...(row === null ? [] : lacksBasePath(viewer, row.name, proxy.field)),
        ...(newPath === undefined ? [] : lacksBasePath(viewer, newPath, 'basePath')),
        ...lacksNamespaces(viewer, changes.namespaces, row?.namespaces ?? []),
      ];
      if (lacking.length > 0) return refused(...lacking);
      const mistakes = checkProxyFields(changes, rules.addresses);
      if (row === null) mistakes.unshift(proxyNotFound(proxy));
      const named = await lockTemplate(em, viewer, secrets, { row, fields: changes, mistakes });
      if (newPath !== undefined && (await isNameTaken(em, 'proxy', newPath)))
        mistakes.push(basePathTaken(newPath));
      mistakes.push(...(await findTakenNamespaces(em, changes.namespaces, row?.id)));
      if (row === null || mistakes.length > 0) return refused(...mistakes);
      if (newPath !== undefined) row.name = newPath;
      applyOwn(row, changes);
      applyTemplateChange(row, changes, named, secrets);
      row.madeBy = viewer.identity;
      await em.flush();
      return done(row.id);
    },
    () => basePathTaken(changes.basePath ?? ''),
  );
}

/** Needs the role maintainer for the base path. The repositories that it has made stay. */
export async function removeProxy(operator: Operator, proxy: Reference): Promise<Outcome<undefined>> {
  return inTransaction(operator, async (em) => {
    const owned = await lockOwned(em, operator.viewer, RegistryProxy, { ...proxy, notFound: proxyNotFound });
    if (owned.mistakes !== undefined) return refused(...owned.mistakes);
    await em.nativeDelete(RegistryProxy, { id: owned.value.id });
    return done(undefined);
  });
}

const ownFields = [
  'repositoriesAtMost',
  'tagTtlSeconds',
  'notFoundTtlSeconds',
  'cacheBytes',
] as const satisfies readonly (keyof RegistryProxy & keyof ProxyFields)[];

const lists = ['namespaces', 'includeRepositories', 'excludeRepositories'] as const;

/** Writes the fields of the proxy itself that are given. */
function applyOwn(row: RegistryProxy, input: ProxyFields): void {
  for (const field of ownFields)
    if (input[field] !== undefined) Object.assign(row, { [field]: input[field] });
  for (const field of lists) if (input[field] !== undefined) row[field] = input[field] ?? [];
  if (input.private !== undefined) row.isPrivate = input.private;
}

async function findTakenNamespaces(
  em: Em,
  namespaces: readonly string[] | null | undefined,
  proxyId: number | undefined,
): Promise<Mistake[]> {
  const wanted = (namespaces ?? []).filter((namespace) => !namespace.includes('\0'));
  const owner = await findNamespaceOwner(em, wanted, proxyId);
  const taken = wanted.find((namespace) => owner?.namespaces.includes(namespace));
  if (owner === undefined || taken === undefined) return [];
  const message = `The namespace ${quoteValue(taken)} belongs to another proxy already. A namespace leads to one proxy; remove it there first.`;
  return [mistake('ALREADY_EXISTS', ['namespaces'], message)];
}

function proxyNotFound(named: Omit<Reference, 'key'>): Mistake {
  return noSuchId('proxy', 'proxies', named);
}

function basePathTaken(basePath: string): Mistake {
  return mistake(
    'ALREADY_EXISTS',
    ['basePath'],
    `There is a proxy at ${quoteValue(basePath)}; choose another base path, or update that one.`,
  );
}
