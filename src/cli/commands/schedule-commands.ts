import type { Command } from 'commander';
import { findNamed, given, mutate, notFound } from '../api-calls.ts';
import { addClientCommand, wholeNumber } from '../command.ts';
import type { Choose, Client } from '../command.ts';
import { exitCodeOf } from '../exit-codes.ts';
import { followTask } from '../progress/follow-task.ts';
import { addList } from './list-command.ts';
import { describeError } from '../words.ts';
import { localTime, printDone, printJson } from './print.ts';
import { deleteThing } from './thing-commands.ts';

interface Schedule {
  readonly id: string;
  readonly cron: string | null;
  readonly intervalSeconds: number | null;
  readonly timeZone: string;
  readonly paused: boolean;
  readonly problem: string | null;
  readonly nextRunAts: readonly string[];
  readonly repository: { readonly name: string };
  readonly runs: { readonly nodes: readonly Run[] };
}

interface Run {
  readonly at: string;
  readonly outcome: 'STARTED' | 'UNCHANGED' | 'SKIPPED';
  readonly message: string | null;
  readonly task: { readonly state: string; readonly error: { readonly code: string } | null } | null;
}

const fields = `id cron intervalSeconds timeZone jitterSeconds catchupWindowSeconds mirror paused note problem nextRunAts
  repository { name } runs(first: 1) { nodes { at outcome message task { id state error { code } } } }`;

const examples = `
A schedule is named by its repository where that has a single one, else by its id.

Examples:
  $ tidemark schedule create library/nginx --cron '30 3 * * *' --time-zone Europe/Berlin --mirror
  $ tidemark schedule update library/nginx --every 900 --jitter 120
  $ tidemark schedule list`;

export function addSchedules(program: Command, choose: Choose): void {
  const parent = program
    .command('schedule')
    .description('sync a repository again and again: create, list, update, pause, resume, trigger, delete')
    .addHelpText('after', examples);
  addChanges(parent, choose);
  addList<Schedule>(parent, choose, {
    usage: 'list',
    text: 'list schedules with their next and last runs',
    list: () => ({
      key: 'schedules',
      connection: 'schedules',
      nodes: fields,
      noun: 'schedule',
      columns: ['SCHEDULE', 'REPOSITORY', 'WHEN', 'NEXT', 'LAST RUN'],
      row: (schedule) => [
        schedule.id,
        schedule.repository.name,
        schedule.cron === null
          ? `every ${schedule.intervalSeconds} s`
          : `${schedule.cron} ${schedule.timeZone}`,
        nextRun(schedule),
        lastRun(schedule),
      ],
      none: "There are no schedules yet. Create one: tidemark schedule create <repository> --cron '30 3 * * *'",
    }),
  });
  for (const [verb, mutation, text, done] of [
    ['pause', 'schedulePause', 'pause a schedule', 'is paused'],
    ['resume', 'scheduleResume', 'resume a paused schedule', 'runs again'],
  ] as const)
    addClientCommand<{ readonly note?: string }>(parent, choose, {
      usage: `${verb} <schedule>`,
      text,
      setUp: (command) => command.option('--note <text>', 'the reason, for people'),
      run: async (client, [name = ''], { note }) => {
        const input = { id: await findSchedule(client, name), ...given({ note }) };
        return changed(client, mutation, input, done);
      },
    });
  addClientCommand(parent, choose, {
    usage: 'trigger <schedule>',
    text: 'run a schedule now, and follow its task',
    run: (client, [name = '']) => trigger(client, name),
  });
  addClientCommand(parent, choose, {
    usage: 'delete <schedule>',
    text: 'delete a schedule; what it has synced stays',
    run: async (client, [name = '']) => {
      const id = await findSchedule(client, name);
      return deleteThing(client, 'scheduleDelete', { id }, `Deleted the schedule ${id}.`);
    },
  });
}

const yearSeconds = 31_622_400;

interface Times {
  readonly cron?: string;
  readonly every?: number;
  readonly timeZone?: string;
  readonly jitter?: number;
  readonly catchUp?: number;
  readonly mirror?: boolean;
  readonly note?: string;
  readonly remote?: string;
}

/** @param isNew Whether what is not given has a default, or stays as it is. */
function withTimes(command: Command, isNew: boolean): void {
  const unless = (value: string): string => (isNew ? ` (default: ${value})` : '');
  command
    .option('--cron <line>', 'minute, hour, day of the month, month, day of the week; or @daily and the like')
    .option('--every <seconds>', 'an interval, in place of --cron', wholeNumber(1, yearSeconds))
    .option('--time-zone <name>', `time zone of --cron${unless('UTC')}`)
    .option('--jitter <seconds>', `random delay of a run, at most${unless('60')}`, wholeNumber(0, 86_400))
    .option(
      '--catch-up <seconds>',
      `run a missed sync when it is late by no more than this${unless('3600')}`,
      wholeNumber(10, yearSeconds),
    )
    .option('--mirror', 'remove what the upstream no longer has')
    .option('--remote <name>', 'sync with this remote in place of the one of the repository')
    .option('--note <text>', 'text for people');
}

async function readTimes(client: Client, times: Times): Promise<Record<string, unknown>> {
  const { cron, every, timeZone, jitter, catchUp, mirror, note, remote } = times;
  return given({
    cron,
    intervalSeconds: every,
    timeZone,
    jitterSeconds: jitter,
    catchupWindowSeconds: catchUp,
    mirror,
    note,
    remoteId: remote === undefined ? undefined : (await findNamed(client.session, 'remote', remote)).id,
  });
}

function addChanges(parent: Command, choose: Choose): void {
  addClientCommand<Times>(parent, choose, {
    usage: 'create <repository>',
    text: 'sync a repository again and again',
    setUp: (command) => withTimes(command, true),
    run: async (client, [name = ''], times) => {
      const { id } = await findNamed(client.session, 'repository', name);
      return changed(
        client,
        'scheduleCreate',
        { repositoryId: id, ...(await readTimes(client, times)) },
        'is created',
      );
    },
  });
  addClientCommand<Times>(parent, choose, {
    usage: 'update <schedule>',
    text: 'change a schedule; a running sync goes on as it began',
    setUp: (command) => {
      withTimes(command, false);
      command.option('--no-mirror', 'keep what the upstream no longer has');
      command.addHelpText(
        'after',
        '\nA schedule is named by its repository, or by its id where that has several. What is not given stays as it is.',
      );
    },
    run: async (client, [name = ''], times) => {
      const input = { id: await findSchedule(client, name), ...(await readTimes(client, times)) };
      return changed(client, 'scheduleUpdate', input, 'is changed');
    },
  });
}

/** By the name of a repository with one schedule, or by id. */
async function findSchedule(client: Client, nameOrId: string): Promise<string> {
  const { repository } = await client.session.request<{
    repository: { schedules: { nodes: readonly { id: string }[] } } | null;
  }>('query ($name: String!) { repository(name: $name) { schedules(first: 100) { nodes { id } } } }', {
    name: nameOrId,
  });
  const found = repository?.schedules.nodes ?? [];
  if (found.length > 1)
    throw notFound(
      `${nameOrId} has ${found.length} schedules: ${found.map(({ id }) => id).join(', ')}. Name one by its id.`,
    );
  if (repository !== null && found.length === 0) throw notFound(`${nameOrId} has no schedule.`);
  return found[0]?.id ?? nameOrId;
}

async function changed(client: Client, mutation: string, input: object, what: string): Promise<number> {
  const schedule = await mutate<Schedule>(client.session, mutation, { field: 'schedule', fields, input });
  const [next] = schedule.nextRunAts;
  printDone(
    client,
    { schedule },
    `The schedule ${schedule.id} of ${schedule.repository.name} ${what}${next === undefined ? '' : `; next run: ${localTime(next)}`}.`,
  );
  if (!client.json && schedule.problem !== null) client.terminal.note(schedule.problem);
  return 0;
}

function nextRun({ paused, problem, nextRunAts: [next] }: Schedule): string | null {
  if (paused) return 'paused';
  if (problem !== null) return 'not known to Temporal';
  return next === undefined ? null : localTime(next);
}

function lastRun({ runs: { nodes } }: Schedule): string | null {
  const [run] = nodes;
  if (run === undefined) return null;
  const result = run.outcome !== 'STARTED' ? run.outcome : (run.task?.error?.code ?? run.task?.state ?? '');
  return `${localTime(run.at)} ${result}`.trimEnd();
}

async function trigger(client: Client, name: string): Promise<number> {
  const { session, terminal, json } = client;
  const id = await findSchedule(client, name);
  const started = await mutate<{ readonly id: string }>(session, 'scheduleTrigger', {
    field: 'task',
    fields: 'id',
    input: { id },
  });
  const task = await followTask(session, started.id, () => undefined);
  if (json) printJson(client, { task });
  else if (task.error === null) terminal.print(`Task ${task.id}: ${task.state}.`);
  else terminal.note(describeError(task.error));
  return exitCodeOf(task);
}
