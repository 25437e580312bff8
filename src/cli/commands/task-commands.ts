import type { Command } from 'commander';
import { Option } from 'commander';
import { notFound } from '../api-calls.ts';
import { addClientCommand } from '../command.ts';
import type { Choose, Client } from '../command.ts';
import { exitCodeOf } from '../exit-codes.ts';
import { followTask } from '../progress/follow-task.ts';
import { countOf } from '../../oci/count-of.ts';
import { listedOutcomes } from '../../selection/tag-outcome.ts';
import { formatBytes, shortDigest } from '../progress/format.ts';
import { addList } from './list-command.ts';
import { showProgress } from '../progress/progress-display.ts';
import { describeOutside, describeUpstreams } from '../show-version.ts';
import { cancelTask } from '../sync/run-sync.ts';
import { isFinal, taskFields, taskQuery } from '../progress/task-queries.ts';
import type { Task } from '../progress/task-queries.ts';
import { describeError, inOwnWords } from '../words.ts';
import { localTime, printDone, printJson, printThing } from './print.ts';

const kinds = ['repository.sync', 'rule.run', 'content.collect', 'content.verify'];
const states = ['waiting', 'running', 'completed', 'failed', 'canceled'];

export function addTasks(program: Command, choose: Choose): void {
  addTaskList(program, choose);
  const parent = program.command('task').description('show, watch or cancel one task');
  addShow(parent, choose);
  addOutcomes(parent, choose);
  for (const place of [parent, program]) addWatch(place, choose);
  for (const place of [parent, program]) addCancel(place, choose);
}

interface TaskFilters {
  readonly repository?: string;
  readonly state?: string;
  readonly kind?: string;
}

function addTaskList(program: Command, choose: Choose): void {
  addList<Task, TaskFilters>(program, choose, {
    usage: 'tasks',
    text: 'list tasks, newest first',
    setUp: (command) =>
      command
        .option('--repository <name>', 'only tasks of this repository')
        .addOption(new Option('--state <state>', 'only tasks in this state').choices(states))
        .addOption(new Option('--kind <kind>', 'only tasks of this kind').choices(kinds)),
    list: (_client, _args, { repository, state, kind }) => ({
      key: 'tasks',
      connection: 'tasks',
      filter: 'state: $state, repository: $repository, names: $names',
      variables: {
        state: ['TaskState', state?.toUpperCase()],
        repository: ['String', repository],
        names: ['[String!]', kind === undefined ? undefined : [kind]],
      },
      nodes: taskFields,
      noun: 'task',
      columns: ['TASK', 'KIND', 'REPOSITORY', 'STATE', 'REQUESTED', 'RESULT'],
      row: ({ id, name, state: now, createdAt, repositoryName, createdVersion, error }) => [
        id,
        name,
        repositoryName,
        now,
        localTime(createdAt),
        error?.code ?? (createdVersion === null ? null : `version ${createdVersion.number}`),
      ],
      none: 'No task matches.',
    }),
  });
}

function addShow(parent: Command, choose: Choose): void {
  addClientCommand(parent, choose, {
    usage: 'show <task>',
    text: 'show a task: its progress, its warnings, and why it failed',
    reads: true,
    run: async (client, [id = '']) => showTask(client, await readTask(client, id)),
  });
}

function addOutcomes(parent: Command, choose: Choose): void {
  addList<TagOutcome, { readonly outcome?: string }>(parent, choose, {
    usage: 'tags <task>',
    text: 'list what a sync did with each tag; unchanged and excluded tags are not listed',
    setUp: (command) =>
      command.addOption(
        new Option('--outcome <outcome>', 'only tags with this outcome').choices(
          listedOutcomes.map((outcome) => outcome.toLowerCase().replaceAll('_', '-')),
        ),
      ),
    list: async (client, [id = ''], { outcome }) => ({
      key: 'tagOutcomes',
      connection: 'tagOutcomes',
      within: ['task(id: $id)'],
      filter: 'outcome: $outcome',
      variables: {
        id: ['ID!', (await readTask(client, id)).id],
        outcome: [
          'TagOutcomeKind',
          outcome === undefined ? null : outcome.toUpperCase().replaceAll('-', '_'),
        ],
      },
      nodes: 'name outcome reason oldDigest newDigest',
      noun: 'tag',
      columns: ['TAG', 'OUTCOME', 'FROM', 'TO', 'REASON'],
      row: ({ name, outcome: did, oldDigest, newDigest, reason }) => [
        name,
        did,
        oldDigest === null ? null : shortDigest(oldDigest),
        newDigest === null ? null : shortDigest(newDigest),
        reason,
      ],
      none: 'The task changed, skipped and refused no tag.',
    }),
  });
}

function addWatch(parent: Command, choose: Choose): void {
  addClientCommand(parent, choose, {
    usage: 'watch <task>',
    text: 'follow a task to its end; Ctrl-C leaves it running',
    reads: true,
    setUp: (command) => command.addHelpText('after', '\nExit code 1: the task failed or was canceled.'),
    run: (client, [id = '']) => watchTask(client, id),
  });
}

function addCancel(parent: Command, choose: Choose): void {
  addClientCommand(parent, choose, {
    usage: 'cancel <task>',
    text: 'cancel a task, and wait for its end',
    run: (client, [id = '']) => cancel(client, id),
  });
}

interface TagOutcome {
  readonly name: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly oldDigest: string | null;
  readonly newDigest: string | null;
}

async function readTask({ session }: Client, id: string): Promise<Task> {
  const { task } = await session.request<{ task: Task | null }>(taskQuery, { id });
  if (task !== null) return task;
  throw notFound(`There is no task ${JSON.stringify(id)}. "tidemark tasks" lists them.`);
}

function showTask(client: Client, task: Task): number {
  const { progress } = task;
  printThing(client, 'task', task, [
    ['task', task.id],
    ['kind', task.name],
    ['repository', task.repositoryName],
    ...describeOptions(task),
    ['state', task.state],
    ['stage', progress.stage],
    ['requested', localTime(task.createdAt)],
    ['started', localTime(task.startedAt)],
    ['ended', localTime(task.finishedAt)],
    ['tags', ofTotal(progress.tagsDone, progress.tagsTotal)],
    ['outside of the filter', describeOutside(task) ?? null],
    ['blobs', ofTotal(progress.blobsDone, progress.blobsTotal)],
    ['bytes', formatBytes(progress.bytesDone)],
    ...describeUpstreams(task).map((line): [string, string] => ['served by', line]),
    ['version', task.createdVersion?.number ?? null],
    ['error', task.error === null ? null : describeError(task.error)],
    ['workflow', task.workflowId],
    ['trace', task.traceId],
    ['Temporal', task.temporalUrl],
  ]);
  if (!client.json && task.warnings.length > 0) {
    client.terminal.print(`${countOf(task.warnings.length, 'warning')}:`);
    for (const warning of task.warnings) client.terminal.print(`  ${inOwnWords(warning)}`);
  }
  return 0;
}

/** The options that this sync did not take from its remote. */
function describeOptions({ mirror, pruneFiltered, overrides }: Task): [string, string | number | null][] {
  const flags = [...(mirror ? ['--mirror'] : []), ...(pruneFiltered ? ['--prune-filtered'] : [])];
  const {
    includeTags = null,
    excludeTags = null,
    policy = null,
    downloadConcurrency = null,
    rules = [],
  } = overrides ?? {};
  const given: [string, string | number | null][] = [
    ['options', flags.length === 0 ? null : flags.join(' ')],
    ['only tags', includeTags?.join(', ') ?? null],
    ['without tags', excludeTags?.join(', ') ?? null],
    ['other rules', rules.length === 0 ? null : inOwnWords(rules.join(', '))],
    ['policy', policy],
    ['concurrent requests', downloadConcurrency],
  ];
  return given.filter(([, value]) => value !== null);
}

function ofTotal(done: number, total: number | null): string {
  return total === null ? String(done) : `${done} of ${total}`;
}

async function watchTask(client: Client, id: string): Promise<number> {
  const { session, terminal, json, interrupt } = client;
  const first = await readTask(client, id);
  const display = showProgress(terminal);
  const left = new Promise<'left'>((resolve) => {
    interrupt.signal.addEventListener('abort', () => resolve('left'), { once: true });
  });
  const ended = isFinal(first.state)
    ? Promise.resolve(first)
    : followTask(session, id, (seen) => display.update(seen));
  // who leaves does not wait for the end, nor hear of what becomes of the stream
  ended.catch(() => undefined);
  const task = await Promise.race([ended, left]).finally(() => display.finish());
  if (task === 'left') {
    terminal.note(`Task ${id} goes on. Watch it again: tidemark watch ${id}`);
    return interrupt.exitCode();
  }
  if (json) printJson(client, { task });
  else if (task.error !== null) terminal.note(describeError(task.error));
  else terminal.print(`Task ${id}: ${task.state}.`);
  return exitCodeOf(task);
}

async function cancel(client: Client, id: string): Promise<number> {
  const { session } = client;
  const asked = await cancelTask(session, id);
  const task = isFinal(asked.state) ? asked : await followTask(session, id, () => undefined);
  const line =
    task.state === 'CANCELED' ? `Task ${id} is canceled.` : `Task ${id} had already ended: ${task.state}.`;
  return printDone(client, { task }, line);
}
