/** Makes repositories in a Tidemark and times their syncs. */
import type { Tidemark } from './tidemark.ts';

export interface MirrorInput {
  readonly name: string;
  readonly url: string;
  readonly upstreamName: string;
  readonly includeTags?: readonly string[];
  readonly downloadConcurrency?: number;
  readonly sslCaCertificate?: string;
}

export interface Mirror {
  readonly repositoryId: string;
  readonly remoteId: string;
}

interface Payload {
  readonly userErrors: readonly { readonly message: string }[];
}

/** A remote and a repository of the same name. */
export async function createMirror(tidemark: Tidemark, input: MirrorInput): Promise<Mirror> {
  const remote = await mutate<{ remote: { id: string } }>(tidemark, 'remoteCreate', 'remote { id }', input);
  const repository = await mutate<{ repository: { id: string } }>(
    tidemark,
    'repositoryCreate',
    'repository { id }',
    { name: input.name, remoteId: remote.remote.id },
  );
  return { repositoryId: repository.repository.id, remoteId: remote.remote.id };
}

export interface TimedSync {
  /** From the mutation sent to the task seen COMPLETED. */
  readonly seconds: number;
  /** Number of the new version; null where nothing had changed. */
  readonly createdVersion: number | null;
}

/** Syncs, and follows the task as the command line does; a page that asked for it again and again would take processor time from it. */
export async function timeSync(
  tidemark: Tidemark,
  { repositoryId }: Pick<Mirror, 'repositoryId'>,
  options: { readonly remoteId?: string } = {},
): Promise<TimedSync> {
  const started = performance.now();
  const { task } = await mutate<{ task: { id: string } }>(tidemark, 'repositorySync', 'task { id }', {
    repositoryId,
    ...options,
  });
  const events = tidemark.follow<{ taskProgress: TaskState }>(progressSubscription, { id: task.id });
  for await (const { taskProgress } of events) {
    const { state, error, createdVersion } = taskProgress;
    if (state === 'COMPLETED')
      return {
        seconds: (performance.now() - started) / 1000,
        createdVersion: createdVersion?.number ?? null,
      };
    if (state === 'FAILED' || state === 'CANCELED')
      throw new Error(`The sync is ${state}: ${error?.message}`);
  }
  throw new Error('The events of the sync ended before it did.');
}

interface TaskState {
  readonly state: string;
  readonly error: { readonly message: string } | null;
  readonly createdVersion: { readonly number: number } | null;
}

const progressSubscription =
  'subscription ($id: ID!) { taskProgress(id: $id) { state error { message } createdVersion { number } } }';

export async function mutate<T>(
  tidemark: Tidemark,
  name: string,
  selection: string,
  input: object,
): Promise<T> {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  const data = await tidemark.query<Record<string, T & Payload>>(
    `mutation ($input: ${type}!) { ${name}(input: $input) { ${selection} userErrors { message } } }`,
    { input },
  );
  const payload = data[name];
  if (payload === undefined || payload.userErrors.length > 0)
    throw new Error(`${name} was refused: ${payload?.userErrors.map(({ message }) => message).join(' ')}`);
  return payload;
}
