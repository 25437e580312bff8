import { TidemarkError } from '../../oci/error.ts';
import { registryBaseUrl } from '../../oci/hosts/registry-address.ts';
import { given, mutate } from '../api-calls.ts';
import { tagRuleFields } from '../tag-rules.ts';
import type { TagRules } from '../tag-rules.ts';
import { preparePolicy } from './require-signature.ts';
import type { Session } from '../session.ts';
import { inOwnWords } from '../words.ts';
import type { SyncWish } from './sync-request.ts';

/** The repository and the remote that a sync works with, and the options that are that sync's alone. */
export interface SyncTarget {
  readonly repositoryId: string;
  readonly remoteId: string;
  /** What this sync selects; null: every tag, or none excluded. */
  readonly includeTags: readonly string[] | null;
  readonly excludeTags: readonly string[] | null;
  /** For an existing remote: `RepositorySyncInput.overrides`. */
  readonly overrides: Readonly<Record<string, unknown>>;
  /** Whether the repository was created for this sync, and goes unless it completes. */
  readonly isNew: boolean;
  /** The options that the server stores in the remote once it accepts the sync: `--save`. */
  readonly changes: Readonly<Record<string, unknown>>;
  readonly before: Remote | undefined;
  /** Whether the remote was created for a dry run of a repository that has none, and goes after it. */
  readonly isRemoteTemporary: boolean;
}

export interface Remote extends TagRules {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly upstreamName: string;
  readonly includeTags: readonly string[] | null;
  readonly excludeTags: readonly string[] | null;
  readonly username: string | null;
  readonly downloadConcurrency: number;
  readonly policy: string;
}

interface Repository {
  readonly id: string;
  readonly isMirrored: boolean;
  readonly lastSyncedAt: string | null;
  readonly latestVersion: { readonly number: number } | null;
  readonly remote: Remote | null;
  readonly tasks: { readonly nodes: readonly { readonly id: string; readonly state: string }[] };
}

const remoteFields = `id name url upstreamName includeTags excludeTags username downloadConcurrency policy ${tagRuleFields}`;
const findQuery = `query ($name: String!) {
  repository(name: $name) { id isMirrored lastSyncedAt latestVersion { number } remote { ${remoteFields} }
    tasks(first: 1) { nodes { id state } } }
  remote(name: $name) { ${remoteFields} } }`;

/**
 * Finds the repository and its remote, or creates both under the local name. An existing one is changed only where the request says so,
 * and not before every check here has passed.
 * @throws TidemarkError of what the server says; `UPSTREAM_DIFFERS` where the name belongs to a copy of something else, `WOULD_BECOME_MIRROR`
 * for a repository that was pushed to, `USAGE` for options that need `--save`, `SYNC_ALREADY_RUNNING`.
 */
export async function prepareTarget(session: Session, wish: SyncWish): Promise<SyncTarget> {
  const { repository, remote: named } = await session.request<{
    repository: Repository | null;
    remote: Remote | null;
  }>(findQuery, { name: wish.name });
  const existing = repository?.remote ?? named;
  checkConversion(repository, wish);
  if (existing === null) return createTarget(session, repository, wish);
  checkUpstream(repository, existing, wish);
  checkSaved(existing, wish);
  checkRunning(repository, wish);
  const remote = await changeFirst(session, existing, wish);
  const repositoryId = await ensureRepository(session, repository, remote, wish);
  const overrides = given({
    includeTags: wish.includeTags,
    excludeTags: wish.excludeTags,
    policy: wish.policy,
    downloadConcurrency: wish.downloadConcurrency,
    ...wish.tagRules,
  });
  return {
    repositoryId,
    remoteId: remote.id,
    includeTags: wish.includeTags ?? remote.includeTags,
    excludeTags: wish.excludeTags ?? remote.excludeTags,
    overrides,
    isNew: repository === null,
    changes: wish.save ? overrides : {},
    before: existing,
    isRemoteTemporary: false,
  };
}

/** The server refuses as well; here nothing has been created yet. */
function checkConversion(repository: Repository | null, { name, intoExisting, dryRun }: SyncWish): void {
  if (repository === null || repository.isMirrored || repository.latestVersion === null) return;
  if (repository.remote !== null || intoExisting || dryRun) return;
  throw new TidemarkError(
    'WOULD_BECOME_MIRROR',
    `${name} has content that was pushed to it. A sync turns it into a mirror, which refuses pushes. ` +
      'Choose another name with --name, or allow it with --into-existing.',
    { origin: 'caller' },
  );
}

function checkUpstream(repository: Repository | null, remote: Remote, wish: SyncWish): void {
  if (isSameUpstream(remote, wish) || wish.changeUpstream) return;
  const hasSynced =
    repository !== null && (repository.lastSyncedAt !== null || repository.latestVersion !== null);
  // what has never succeeded may be corrected
  if (!hasSynced && !wish.dryRun) return;
  throw new TidemarkError(
    'UPSTREAM_DIFFERS',
    `The name ${wish.name} belongs to a copy of ${remote.upstreamName} at ${remote.url}, not of ${wish.upstreamName} at ${wish.url}. ` +
      'Give this copy another name with --name, or sync from the other upstream from now on with --change-upstream.',
    { origin: 'caller' },
  );
}

function isSameUpstream(remote: Remote, wish: SyncWish): boolean {
  return (
    registryBaseUrl(remote.url) === registryBaseUrl(wish.url) && remote.upstreamName === wish.upstreamName
  );
}

/** Credentials and keys have no place in one sync: they are stored, so somebody has to ask for that. */
function checkSaved(remote: Remote, wish: SyncWish): void {
  const { username, password, requiredKeys, save, name } = wish;
  if (save) return;
  const isOtherUser = username !== undefined && (username !== remote.username || password !== undefined);
  const options = [
    isOtherUser ? '--username' : undefined,
    requiredKeys === undefined ? undefined : '--require-signature',
  ];
  const option = options.find((one) => one !== undefined);
  if (option === undefined) return;
  throw new TidemarkError(
    'USAGE',
    `${option} changes what ${name} has stored, for schedules and later syncs too. Add --save to store it.`,
    { origin: 'caller' },
  );
}

/** Asked before anything is stored. The server decides once more. */
function checkRunning(repository: Repository | null, { name }: SyncWish): void {
  const [task] = repository?.tasks.nodes ?? [];
  if (task === undefined || (task.state !== 'WAITING' && task.state !== 'RUNNING')) return;
  throw alreadyRunning(name, task.id);
}

export function alreadyRunning(name: string, taskId: string): TidemarkError {
  return new TidemarkError(
    'SYNC_ALREADY_RUNNING',
    `A sync of ${name} is running: task ${taskId}. Follow it with "tidemark watch ${taskId}", or stop it with "tidemark cancel ${taskId}".`,
    { origin: 'caller' },
  );
}

async function createTarget(
  session: Session,
  repository: Repository | null,
  wish: SyncWish,
): Promise<SyncTarget> {
  const {
    name,
    url,
    upstreamName,
    includeTags,
    excludeTags,
    username,
    password,
    downloadConcurrency,
    policy,
    tagRules,
  } = wish;
  const remote = await mutate<Remote>(session, 'remoteCreate', {
    field: 'remote',
    fields: remoteFields,
    input: {
      name,
      url,
      upstreamName,
      ...given({ includeTags, excludeTags, username, password, downloadConcurrency, policy, ...tagRules }),
    },
  });
  return {
    repositoryId: await ensureRepository(session, repository, remote, wish),
    remoteId: remote.id,
    includeTags: remote.includeTags,
    excludeTags: remote.excludeTags,
    overrides: {},
    isNew: repository === null,
    changes: {},
    before: undefined,
    isRemoteTemporary: repository !== null && wish.dryRun,
  };
}

/** What the sync itself needs: another upstream, and credentials. */
async function changeFirst(session: Session, remote: Remote, wish: SyncWish): Promise<Remote> {
  const { url, upstreamName, username, password } = wish;
  const input = {
    ...(isSameUpstream(remote, wish) ? {} : { url, upstreamName }),
    ...(wish.save || !isSameUpstream(remote, wish) ? given({ username, password }) : {}),
  };
  if (Object.keys(input).length === 0) return remote;
  return mutate<Remote>(session, 'remoteUpdate', {
    field: 'remote',
    fields: remoteFields,
    input: { id: remote.id, ...input },
  });
}

async function ensureRepository(
  session: Session,
  repository: Repository | null,
  remote: Remote,
  { name, requiredKeys, dryRun }: SyncWish,
): Promise<string> {
  if (repository !== null && dryRun) return repository.id;
  const policy =
    requiredKeys === undefined ? {} : { signaturePolicyId: await preparePolicy(session, name, requiredKeys) };
  const field = { field: 'repository', fields: 'id' } as const;
  if (repository === null) {
    const input = { name, remoteId: remote.id, ...policy };
    return (await mutate<{ id: string }>(session, 'repositoryCreate', { ...field, input })).id;
  }
  const changes = { ...(repository.remote === null ? { remoteId: remote.id } : {}), ...policy };
  if (Object.keys(changes).length > 0)
    await mutate(session, 'repositoryUpdate', { ...field, input: { id: repository.id, ...changes } });
  return repository.id;
}

const shown = (value: unknown) => JSON.stringify(value ?? null);

/** A line for each field of the remote that the sync's options change. */
export function describeSaved({ changes, before }: SyncTarget): string[] {
  return Object.entries(changes).flatMap(([key, value]) => {
    const old = shown(before?.[key as keyof Remote]);
    return old === shown(value) ? [] : [inOwnWords(`${key}: ${old} → ${shown(value)}`)];
  });
}
