import { TidemarkError } from '../oci/error.ts';
import { countOf, formatCount, formatTable } from './format.ts';
import { followTask } from './follow-task.ts';
import type { Session } from './session.ts';
import { cancelTask } from './sync-command.ts';
import { isFinal, tasksQuery, versionFields } from './task-queries.ts';
import type { Task, Version } from './task-queries.ts';
import type { Terminal } from './terminal.ts';

/** What a list command works with. */
export interface ListCommand {
  readonly session: Session;
  readonly terminal: Terminal;
  readonly json: boolean;
}

interface List<T> {
  readonly totalCount: number;
  readonly nodes: readonly T[];
}

interface Repository {
  readonly id: string;
  readonly name: string;
  readonly isMirrored: boolean;
  readonly remote: { readonly url: string; readonly upstreamName: string } | null;
  readonly latestVersion: Version | null;
}

const repositoriesQuery = `query ($first: Int!) { repositories(first: $first) { totalCount nodes {
  id name isMirrored remote { url upstreamName } latestVersion { ${versionFields} } } } }`;
const versionsQuery = `query ($name: String!, $first: Int!) { repository(name: $name) {
  id name versions(first: $first) { totalCount nodes { ${versionFields} } } } }`;

/** `tidemark repositories` */
export async function repositoriesCommand(
  { session, terminal, json }: ListCommand,
  first: number,
): Promise<number> {
  const { repositories } = await session.request<{ repositories: List<Repository> }>(repositoriesQuery, {
    first,
  });
  if (json) return printJson(terminal, { repositories });
  const rows = repositories.nodes.map(({ name, latestVersion, remote }) => [
    name,
    latestVersion === null ? '-' : String(latestVersion.number),
    latestVersion === null ? '-' : formatCount(latestVersion.contentSummary.present.tags),
    remote === null ? '-' : `${remote.url}/${remote.upstreamName}`,
  ]);
  return printList(terminal, [['REPOSITORY', 'VERSION', 'TAGS', 'UPSTREAM'], ...rows], {
    noun: 'repository',
    total: repositories.totalCount,
    none: 'There are no repositories yet. Make one: tidemark sync nginx:1.27',
    rightAligned: [1, 2],
  });
}

/** `tidemark versions` */
export async function versionsCommand(
  { session, terminal, json }: ListCommand,
  name: string,
  first: number,
): Promise<number> {
  type Answer = { repository: { id: string; name: string; versions: List<Version> } | null };
  const { repository } = await session.request<Answer>(versionsQuery, { name, first });
  if (repository === null)
    throw new TidemarkError(
      'NOT_FOUND',
      `There is no repository ${JSON.stringify(name)}; "tidemark repositories" lists them.`,
      {
        origin: 'caller',
      },
    );
  if (json) return printJson(terminal, { repository });
  const { nodes, totalCount } = repository.versions;
  const rows = nodes.map(({ number, createdAt, contentSummary: { present, added, removed } }) => [
    String(number),
    localTime(createdAt),
    ...[present.tags, present.manifests, present.blobs, present.signatures].map(formatCount),
    `+${added.tags} -${removed.tags}`,
  ]);
  return printList(
    terminal,
    [['VERSION', 'MADE', 'TAGS', 'MANIFESTS', 'BLOBS', 'SIGNATURES', 'TAG CHANGES'], ...rows],
    {
      noun: 'version',
      total: totalCount,
      none: `${name} has no versions yet.`,
      rightAligned: [0, 2, 3, 4, 5],
    },
  );
}

/** `tidemark tasks` */
export async function tasksCommand({ session, terminal, json }: ListCommand, first: number): Promise<number> {
  const { tasks } = await session.request<{ tasks: List<Task> }>(tasksQuery, { first });
  if (json) return printJson(terminal, { tasks });
  const rows = tasks.nodes.map(({ id, name, state, createdAt, repository, createdVersion, error }) => [
    id,
    name,
    repository?.name ?? '-',
    state,
    localTime(createdAt),
    error?.code ?? (createdVersion === null ? '' : `version ${createdVersion.number}`),
  ]);
  return printList(terminal, [['TASK', 'KIND', 'REPOSITORY', 'STATE', 'ASKED FOR', 'RESULT'], ...rows], {
    noun: 'task',
    total: tasks.totalCount,
    none: 'There are no tasks yet.',
    rightAligned: [],
  });
}

/** `tidemark cancel` */
export async function cancelCommand(
  { session, terminal, json }: ListCommand,
  taskId: string,
): Promise<number> {
  const asked = await cancelTask(session, taskId);
  const task = isFinal(asked.state) ? asked : await followTask(session, taskId, () => undefined);
  if (json) return printJson(terminal, { task });
  terminal.print(
    task.state === 'CANCELED'
      ? `Task ${taskId} is cancelled.`
      : `Task ${taskId} had already ended: ${task.state}.`,
  );
  return 0;
}

export function printJson(terminal: Terminal, value: unknown): number {
  terminal.print(JSON.stringify(value));
  return 0;
}

interface ListText {
  readonly noun: string;
  readonly total: number;
  readonly none: string;
  readonly rightAligned: readonly number[];
}

export function printList(
  terminal: Terminal,
  rows: readonly string[][],
  { noun, total, none, rightAligned }: ListText,
): number {
  const shown = rows.length - 1;
  if (shown === 0) terminal.note(none);
  else for (const line of formatTable(rows, rightAligned)) terminal.print(line);
  if (shown > 0 && total > shown)
    terminal.note(
      `${formatCount(shown)} of ${countOf(total, noun).replace(/ys$/, 'ies')}; --first shows more (up to 100).`,
    );
  return 0;
}

/** `2026-05-01 14:03:09`, in the time zone of whoever looks. */
export function localTime(instant: string): string {
  return new Date(instant).toLocaleString('sv-SE');
}
