import { TidemarkError } from '../oci/error.ts';
import { followTask } from './follow-task.ts';
import { checkUserErrors } from './graphql-client.ts';
import type { UserError } from './graphql-client.ts';
import { localTime, printJson, printList } from './list-commands.ts';
import type { ListCommand } from './list-commands.ts';
import type { SchedulePlan, ScheduleTimes } from './schedule-arguments.ts';
import type { Session } from './session.ts';
import type { Task } from './task-queries.ts';

interface Schedule {
  readonly id: string;
  readonly cron: string | null;
  readonly intervalSeconds: number | null;
  readonly timeZone: string;
  readonly paused: boolean;
  readonly note: string | null;
  readonly problem: string | null;
  readonly nextRunAts: readonly string[];
  readonly repository: { readonly name: string };
  readonly runs: { readonly nodes: readonly Run[] };
}

interface Run {
  readonly at: string;
  readonly outcome: 'STARTED' | 'SKIPPED';
  readonly message: string | null;
  readonly task: {
    readonly id: string;
    readonly state: string;
    readonly error: { readonly code: string } | null;
  } | null;
}

const fields = `id cron intervalSeconds timeZone jitterSeconds catchupWindowSeconds mirror paused note problem nextRunAts
  repository { name } runs(first: 1) { nodes { at outcome message task { id state error { code } } } }`;

/** `tidemark schedule …`. @returns the exit code. */
export async function scheduleCommand(options: ListCommand, verb: SchedulePlan['verb']): Promise<number> {
  switch (verb.name) {
    case 'create':
      return create(options, verb.repository, verb.times);
    case 'list':
      return list(options, verb.first);
    case 'pause':
    case 'resume': {
      const input = { id: verb.id, ...(verb.note === undefined ? {} : { note: verb.note }) };
      const done = verb.name === 'pause' ? 'rests' : 'runs again';
      return changed(options, await mutate(options.session, verb.name, input), done);
    }
    case 'trigger':
      return trigger(options, verb.id);
    case 'delete':
      return remove(options, verb.id);
  }
}

async function create(options: ListCommand, repository: string, times: ScheduleTimes): Promise<number> {
  const { session } = options;
  const found = await session.request<{ repository: { id: string } | null }>(
    'query ($name: String!) { repository(name: $name) { id } }',
    { name: repository },
  );
  if (found.repository === null)
    throw new TidemarkError(
      'NOT_FOUND',
      `There is no repository ${JSON.stringify(repository)}; "tidemark repositories" lists them, "tidemark sync" makes one.`,
      { origin: 'caller' },
    );
  const { cron, every, timeZone, jitter, catchUp, mirror, note } = times;
  // what is not given is left out of the JSON, and the server's defaults count
  const input = {
    repositoryId: found.repository.id,
    cron,
    intervalSeconds: every,
    timeZone,
    jitterSeconds: jitter,
    catchupWindowSeconds: catchUp,
    mirror,
    note,
  };
  return changed(options, await mutate(session, 'create', input), 'is made');
}

async function mutate(
  session: Session,
  verb: 'create' | 'pause' | 'resume',
  input: object,
): Promise<Schedule> {
  const field = `schedule${verb[0]?.toUpperCase() ?? ''}${verb.slice(1)}` as const;
  const answer = await session.request<
    Record<string, { readonly schedule: Schedule | null; readonly userErrors: readonly UserError[] }>
  >(
    `mutation ($input: ${field[0]?.toUpperCase() ?? ''}${field.slice(1)}Input!) {
      ${field}(input: $input) { schedule { ${fields} } userErrors { code field message } } }`,
    { input },
  );
  const payload = answer[field];
  checkUserErrors(payload?.userErrors ?? []);
  if (payload?.schedule == null) throw new Error('the server answered neither a schedule nor a mistake');
  return payload.schedule;
}

function changed({ terminal, json }: ListCommand, schedule: Schedule, what: string): number {
  if (json) return printJson(terminal, { schedule });
  const [next] = schedule.nextRunAts;
  terminal.print(
    `The schedule ${schedule.id} of ${schedule.repository.name} ${what}${next === undefined ? '' : `; next: ${localTime(next)}`}.`,
  );
  if (schedule.problem !== null) terminal.note(schedule.problem);
  return 0;
}

async function list({ session, terminal, json }: ListCommand, first: number): Promise<number> {
  const { schedules } = await session.request<{
    schedules: { readonly totalCount: number; readonly nodes: readonly Schedule[] };
  }>(`query ($first: Int!) { schedules(first: $first) { totalCount nodes { ${fields} } } }`, { first });
  if (json) return printJson(terminal, { schedules });
  const rows = schedules.nodes.map((schedule) => [
    schedule.id,
    schedule.repository.name,
    schedule.cron === null ? `every ${schedule.intervalSeconds} s` : `${schedule.cron} ${schedule.timeZone}`,
    nextRun(schedule),
    lastRun(schedule),
  ]);
  return printList(terminal, [['SCHEDULE', 'REPOSITORY', 'WHEN', 'NEXT', 'LAST RUN'], ...rows], {
    noun: 'schedule',
    total: schedules.totalCount,
    none: "There are no schedules yet. Make one: tidemark schedule create <repository> --cron '30 3 * * *'",
    rightAligned: [],
  });
}

function nextRun({ paused, problem, nextRunAts: [next] }: Schedule): string {
  if (paused) return 'paused';
  if (problem !== null) return 'not known to Temporal';
  return next === undefined ? '-' : localTime(next);
}

function lastRun({ runs: { nodes } }: Schedule): string {
  const [run] = nodes;
  if (run === undefined) return '-';
  const result = run.outcome === 'SKIPPED' ? run.outcome : (run.task?.error?.code ?? run.task?.state ?? '');
  return `${localTime(run.at)} ${result}`.trimEnd();
}

async function trigger({ session, terminal, json }: ListCommand, id: string): Promise<number> {
  const { scheduleTrigger } = await session.request<{
    scheduleTrigger: {
      readonly task: { readonly id: string } | null;
      readonly userErrors: readonly UserError[];
    };
  }>(
    'mutation ($input: ScheduleTriggerInput!) { scheduleTrigger(input: $input) { task { id } userErrors { code field message } } }',
    { input: { id } },
  );
  checkUserErrors(scheduleTrigger.userErrors);
  if (scheduleTrigger.task === null) throw new Error('the server answered neither a task nor a mistake');
  const task: Task = await followTask(session, scheduleTrigger.task.id, () => undefined);
  if (json) printJson(terminal, { task });
  else if (task.error === null) terminal.print(`Task ${task.id}: ${task.state}.`);
  else terminal.note(`${task.error.code}: ${task.error.message}`);
  return task.state === 'COMPLETED' ? 0 : 1;
}

async function remove({ session, terminal, json }: ListCommand, id: string): Promise<number> {
  const { scheduleDelete } = await session.request<{
    scheduleDelete: { readonly deletedId: string | null; readonly userErrors: readonly UserError[] };
  }>(
    'mutation ($input: ScheduleDeleteInput!) { scheduleDelete(input: $input) { deletedId userErrors { code field message } } }',
    { input: { id } },
  );
  checkUserErrors(scheduleDelete.userErrors);
  if (json) return printJson(terminal, { deletedId: scheduleDelete.deletedId });
  terminal.print(`The schedule ${id} is deleted.`);
  return 0;
}
