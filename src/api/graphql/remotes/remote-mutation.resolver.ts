import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { LockMode } from '@mikro-orm/core';
import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { Remote } from '../../../db/schema/entities.ts';
import { keepDelivered } from '../../../db/content/held-blobs.ts';
import type { Em } from '../../../db/open-database.ts';
import { forgetDelivered } from '../../../db/staging/reuse.ts';
import { findRemoteId, readRemoteUse } from '../../../db/reads/read-repositories.ts';
import type { Viewer } from '../../../access/viewer.ts';
import { quoteValue } from '../../../oci/error.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { forgetReads } from '../context.ts';
import type { RequestContext } from '../context.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { DeletePayload } from '../payload.type.ts';
import { lacksRole, seen } from '../../../operations/permit.ts';
import { RemoteCreateInput, RemoteDeleteInput, RemoteUpdateInput } from './remote-input.type.ts';
import { asUsed, checkClientCertificate, checkRemoteFields, keepsSecrets } from './remote-validation.ts';
import type { RemoteFields } from './remote-validation.ts';
import { remoteInUse } from '../../../operations/remote-use.ts';
import { RemotePayload, toRemoteType } from './remote.type.ts';
import { readSignaturePolicyId } from '../policies/signature-policy-id.ts';
import { splitProxyUrl } from './url-validation.ts';
import type { UserError } from '../user-error.type.ts';
import { mistake } from '../../../operations/mistakes.ts';

@Resolver()
export class RemoteMutationResolver {
  @Mutation(() => RemotePayload, { description: 'Creates a remote.' })
  async remoteCreate(
    @Arg('input', () => RemoteCreateInput, { description: 'The new remote.' }) input: RemoteCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<RemotePayload> {
    const given = asUsed(withDefaults(input));
    const { api, em, viewer } = context;
    const lacking = lacksRole(viewer, 'maintainer', input.name, 'name');
    if (lacking.length > 0) return failed(lacking);
    const mistakes = [
      ...checkRemoteFields(given, api.config),
      ...checkClientCertificate(given, undefined, () => undefined),
    ];
    const signaturePolicyId = await readSignaturePolicyId(em, viewer, input.signaturePolicyId, mistakes);
    if (await isNameTaken(em, input.name)) mistakes.push(nameTaken(input.name));
    if (mistakes.length > 0) return failed(mistakes);
    return saving(input.name, async () => {
      const remote = await em.fork().transactional(async (transaction) => {
        const row = transaction.create(Remote, {
          name: given.name,
          url: given.url,
          upstreamName: given.upstreamName,
          headerNames: [],
          realmHosts: [],
          signaturePolicyId: signaturePolicyId ?? null,
        });
        applyPlain(row, given);
        // the id is part of what the secrets are sealed with
        await transaction.persist(row).flush();
        applySecrets(row, given, api);
        return row;
      });
      return done(context, remote.id);
    });
  }

  @Mutation(() => RemotePayload, {
    description:
      'Changes a remote. A running sync keeps the filters that it began with; credentials and limits count at once, and with another url or ' +
      'upstreamName it fails with REMOTE_CHANGED.',
  })
  async remoteUpdate(
    @Arg('input', () => RemoteUpdateInput, { description: 'The changes.' }) changes: RemoteUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<RemotePayload> {
    const { api, em, viewer } = context;
    return saving(changes.name ?? '', () =>
      em.fork().transactional(async (transaction) => {
        const row = await findLocked(transaction, viewer, changes.id);
        const input = asUsed(changes, row?.url);
        const newName = typeof input.name === 'string' && input.name !== row?.name ? input.name : undefined;
        const lacking = [
          ...(row === null ? [] : lacksRole(viewer, 'maintainer', row.name, 'id')),
          ...(newName === undefined ? [] : lacksRole(viewer, 'maintainer', newName, 'name')),
        ];
        if (lacking.length > 0) return failed(lacking);
        const mistakes = checkRemoteFields(input, api.config);
        if (row === null) mistakes.unshift(notFound(input.id));
        mistakes.push(...checkClientCertificate(input, row ?? undefined, () => openKey(row, api)));
        const signaturePolicyId = await readSignaturePolicyId(
          transaction,
          viewer,
          input.signaturePolicyId,
          mistakes,
        );
        if (newName !== undefined && (await isNameTaken(transaction, newName)))
          mistakes.push(nameTaken(newName));
        if (row === null || mistakes.length > 0) return failed(mistakes);
        if (!keepsSecrets(input, row)) dropSecrets(row);
        const before = { ...row };
        applyPlain(row, input);
        if (row.url !== before.url || row.upstreamName !== before.upstreamName)
          await forgetDelivered(transaction, row.id);
        applySecrets(row, input, api);
        if (signaturePolicyId !== undefined) row.signaturePolicyId = signaturePolicyId;
        await transaction.flush();
        return payload(row);
      }),
    );
  }

  @Mutation(() => DeletePayload, {
    description:
      'Deletes a remote that no repository, no schedule, no running task, and no blob uses that is still to be fetched on demand.',
  })
  async remoteDelete(
    @Arg('input', () => RemoteDeleteInput, { description: 'The remote.' }) input: RemoteDeleteInput,
    @Ctx() { em, viewer, loaders }: RequestContext,
  ): Promise<DeletePayload> {
    return em.fork().transactional(async (transaction) => {
      const row = await findLocked(transaction, viewer, input.id);
      if (row === null) return { deletedId: null, userErrors: [notFound(input.id)] };
      const lacking = lacksRole(viewer, 'maintainer', row.name, 'id');
      if (lacking.length > 0) return { deletedId: null, userErrors: lacking };
      const userErrors = remoteInUse(row, await readRemoteUse(transaction, loaders.visibility, row.id));
      if (userErrors.length > 0) return { deletedId: null, userErrors };
      await keepDelivered(transaction, row.id);
      await transaction.nativeDelete(Remote, { id: row.id });
      return { deletedId: input.id, userErrors };
    });
  }
}

/** Null too where the viewer may not see it. */
async function findLocked(em: Em, viewer: Viewer, id: string): Promise<Remote | null> {
  const key = parseNumericId('Remote', id);
  if (key === undefined) return null;
  const row = await em.findOne(Remote, { id: key }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  return seen(viewer, row, ({ name }) => name);
}

/** Clients write null for "nothing given": where there is a default, it is taken. */
function withDefaults(input: RemoteCreateInput): RemoteCreateInput {
  return Object.assign(new RemoteCreateInput(), input, {
    policy: input.policy ?? 'IMMEDIATE',
    downloadConcurrency: input.downloadConcurrency ?? 20,
    maxRetries: input.maxRetries ?? 3,
    sslValidation: input.sslValidation ?? true,
    followLayerUrls: input.followLayerUrls ?? false,
  });
}

const plainFields = [
  'name',
  'url',
  'upstreamName',
  'policy',
  'includeTags',
  'excludeTags',
  'sigstore',
  'downloadConcurrency',
  'sslCaCertificate',
  'sslClientCertificate',
  'sslValidation',
  'followLayerUrls',
  'totalTimeout',
  'connectTimeout',
  'sockReadTimeout',
  'maxRetries',
  'rateLimit',
  'username',
] as const satisfies readonly (keyof Remote & keyof RemoteUpdateInput)[];

function applyPlain(row: Remote, input: RemoteFields): void {
  if (input.realmHosts !== undefined) row.realmHosts = input.realmHosts ?? [];
  for (const field of plainFields)
    if (input[field] !== undefined) Object.assign(row, { [field]: input[field] });
}

/** Contexts are `remote:<id>:<column without _sealed>`. */
function applySecrets(row: Remote, input: RemoteFields, { secrets }: ApiDependencies): void {
  const seal = (plain: string, column: string): string =>
    secrets.encrypt(plain, `remote:${row.id}:${column}`);
  const { password, sslClientKey, headers, proxyUrl } = input;
  if (password !== undefined) row.passwordSealed = password === null ? null : seal(password, 'password');
  if (sslClientKey !== undefined)
    row.sslClientKeySealed = sslClientKey === null ? null : seal(sslClientKey, 'ssl_client_key');
  if (headers !== undefined) {
    const pairs = (headers ?? []).map(({ name, value }) => [name, value] as const);
    row.headerNames = pairs.map(([name]) => name);
    row.headersSealed =
      pairs.length === 0 ? null : seal(JSON.stringify(Object.fromEntries(pairs)), 'headers');
  }
  if (proxyUrl !== undefined) {
    const split = proxyUrl === null ? undefined : splitProxyUrl(proxyUrl);
    row.proxyUrl = split?.publicUrl ?? null;
    row.proxyUrlSealed =
      proxyUrl !== null && split?.hasCredentials === true ? seal(proxyUrl, 'proxy_url') : null;
  }
}

function dropSecrets(row: Remote): void {
  row.passwordSealed = null;
  row.sslClientKeySealed = null;
  row.headersSealed = null;
  row.headerNames = [];
}

function openKey(row: Remote | null, { secrets }: ApiDependencies): string | undefined {
  const sealed = row?.sslClientKeySealed;
  return typeof sealed === 'string' ? secrets.decrypt(sealed, `remote:${row?.id}:ssl_client_key`) : undefined;
}

async function isNameTaken(em: Em, name: string): Promise<boolean> {
  return !name.includes('\0') && (await findRemoteId(em, name)) !== undefined;
}

export function notFound(id: string): UserError {
  return mistake(
    'NOT_FOUND',
    ['id'],
    `There is no remote with the id ${quoteValue(id)}; take one from remotes.`,
  );
}

function nameTaken(name: string): UserError {
  return mistake(
    'ALREADY_EXISTS',
    ['name'],
    `There is a remote named ${quoteValue(name)}; choose another name, or update that one.`,
  );
}

/** Two callers may find a name free at one time: the database then says which of them was first. */
async function saving(name: string, save: () => Promise<RemotePayload>): Promise<RemotePayload> {
  try {
    return await save();
  } catch (error) {
    if (error instanceof UniqueConstraintViolationException) return failed([nameTaken(name)]);
    throw error;
  }
}

async function done(context: RequestContext, id: number): Promise<RemotePayload> {
  forgetReads(context);
  const row = await context.loaders.remotes.load(id);
  if (row === undefined) throw new Error('the remote was deleted right after it was created');
  return payload(row);
}

function payload(row: Remote): RemotePayload {
  return Object.assign(new RemotePayload(), { remote: toRemoteType(row), userErrors: [] });
}

function failed(userErrors: UserError[]): RemotePayload {
  return Object.assign(new RemotePayload(), { remote: null, userErrors });
}
