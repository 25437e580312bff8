import { TidemarkError } from '../oci/error.ts';
import { registryBaseUrl } from '../oci/registry-address.ts';
import { preparePolicy } from './require-signature.ts';
import { checkUserErrors } from './graphql-client.ts';
import type { UserError } from './graphql-client.ts';
import type { Session } from './session.ts';
import type { SyncRequest } from './sync-request.ts';

/** The repository and the remote that a sync works with. */
export interface SyncTarget {
  readonly repositoryId: string;
  readonly remoteId: string;
  /** What the remote selects; null: every tag, or none excluded. */
  readonly includeTags: readonly string[] | null;
  readonly excludeTags: readonly string[] | null;
}

interface Remote {
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

interface Found {
  readonly repository: { readonly id: string; readonly remote: Remote | null } | null;
  readonly remote: Remote | null;
}

const remoteFields = 'id name url upstreamName includeTags excludeTags username downloadConcurrency policy';
const findQuery = `query ($name: String!) {
  repository(name: $name) { id remote { ${remoteFields} } } remote(name: $name) { ${remoteFields} } }`;

function mutation(name: string, noun: 'repository' | 'remote'): string {
  const input = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const fields = noun === 'remote' ? remoteFields : 'id';
  return `mutation ($input: ${input}!) { ${name}(input: $input) { ${noun} { ${fields} } userErrors { code field message } } }`;
}

interface Payload {
  readonly repository?: { readonly id: string } | null;
  readonly remote?: Remote | null;
  readonly userErrors: readonly UserError[];
}

/**
 * Creates repository and remote where they are missing, both under the local name, and brings the remote up to the options that were given.
 * @throws TidemarkError of what the server says; `UPSTREAM_DIFFERS` where the name belongs to a copy of something else.
 */
export async function prepareTarget(session: Session, wish: SyncRequest): Promise<SyncTarget> {
  const { repository, remote: named } = await session.request<Found>(findQuery, { name: wish.name });
  const existing = repository?.remote ?? named;
  if (existing !== null) checkUpstream(existing, wish);
  const remote =
    existing === null ? await createRemote(session, wish) : await updateRemote(session, existing, wish);
  const { name, requiredKeys } = wish;
  const signaturePolicyId =
    requiredKeys === undefined ? undefined : await preparePolicy(session, name, requiredKeys);
  const repositoryId = await ensureRepository(session, {
    repository,
    remoteId: remote.id,
    name,
    signaturePolicyId,
  });
  return {
    repositoryId,
    remoteId: remote.id,
    includeTags: remote.includeTags,
    excludeTags: remote.excludeTags,
  };
}

function checkUpstream(remote: Remote, wish: SyncRequest): void {
  if (registryBaseUrl(remote.url) === registryBaseUrl(wish.url) && remote.upstreamName === wish.upstreamName)
    return;
  throw new TidemarkError(
    'UPSTREAM_DIFFERS',
    `The name ${wish.name} belongs to a copy of ${remote.upstreamName} at ${remote.url}, not of ${wish.upstreamName} at ${wish.url}. ` +
      'Give this copy another name with --name, or change the remote through remoteUpdate.',
    { origin: 'caller' },
  );
}

async function createRemote(session: Session, wish: SyncRequest): Promise<Remote> {
  const { name, url, upstreamName } = wish;
  const input = { name, url, upstreamName, ...givenOptions(wish) };
  const { remoteCreate } = await session.request<{ remoteCreate: Payload }>(
    mutation('remoteCreate', 'remote'),
    { input },
  );
  return expectNode(remoteCreate, remoteCreate.remote);
}

async function updateRemote(session: Session, remote: Remote, wish: SyncRequest): Promise<Remote> {
  const changes = Object.entries(givenOptions(wish)).filter(
    // the stored password cannot be read, and so not be compared
    ([key, value]) =>
      key === 'password' || JSON.stringify(remote[key as keyof Remote]) !== JSON.stringify(value),
  );
  if (changes.length === 0) return remote;
  const input = { id: remote.id, ...Object.fromEntries(changes) };
  const { remoteUpdate } = await session.request<{ remoteUpdate: Payload }>(
    mutation('remoteUpdate', 'remote'),
    { input },
  );
  return expectNode(remoteUpdate, remoteUpdate.remote);
}

/** The fields of the remote that the command line sets; an option that was not given is not among them. */
function givenOptions(wish: SyncRequest): Readonly<Record<string, unknown>> {
  const { includeTags, excludeTags, username, password, downloadConcurrency, policy } = wish;
  const all = { includeTags, excludeTags, username, password, downloadConcurrency, policy };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

interface RepositoryWish {
  readonly repository: Found['repository'];
  readonly remoteId: string;
  readonly name: string;
  /** Undefined: as it is. */
  readonly signaturePolicyId: string | undefined;
}

async function ensureRepository(
  session: Session,
  { repository, remoteId, name, signaturePolicyId }: RepositoryWish,
): Promise<string> {
  const policy = signaturePolicyId === undefined ? {} : { signaturePolicyId };
  if (repository === null) {
    const { repositoryCreate } = await session.request<{ repositoryCreate: Payload }>(
      mutation('repositoryCreate', 'repository'),
      { input: { name, remoteId, ...policy } },
    );
    return expectNode(repositoryCreate, repositoryCreate.repository).id;
  }
  if (repository.remote === null || signaturePolicyId !== undefined) {
    const { repositoryUpdate } = await session.request<{ repositoryUpdate: Payload }>(
      mutation('repositoryUpdate', 'repository'),
      {
        input: {
          id: repository.id,
          ...(repository.remote === null ? { remoteId } : {}),
          ...policy,
        },
      },
    );
    expectNode(repositoryUpdate, repositoryUpdate.repository);
  }
  return repository.id;
}

function expectNode<T>({ userErrors }: Payload, node: T | null | undefined): T {
  checkUserErrors(userErrors);
  if (node === null || node === undefined)
    throw new Error('the server answered neither a result nor a mistake');
  return node;
}
