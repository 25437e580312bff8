import type { Command } from 'commander';
import { clientOptions, wholeNumber, withClientOptions } from './client-options.ts';
import type { ClientOptions, GivenClientOptions, ListOptions } from './client-options.ts';

/** What `tidemark schedule …` asks for. */
export type SchedulePlan = ClientOptions & {
  readonly command: 'schedule';
  readonly verb:
    | { readonly name: 'create'; readonly repository: string; readonly times: ScheduleTimes }
    | { readonly name: 'list'; readonly first: number }
    | { readonly name: 'pause' | 'resume'; readonly id: string; readonly note: string | undefined }
    | { readonly name: 'trigger' | 'delete'; readonly id: string };
};

export interface ScheduleTimes {
  readonly cron?: string;
  /** Seconds. */
  readonly every?: number;
  readonly timeZone?: string;
  /** Seconds. */
  readonly jitter?: number;
  /** Seconds. */
  readonly catchUp?: number;
  readonly mirror?: boolean;
  readonly note?: string;
}

const examples = `
Examples:
  $ tidemark schedule create library/nginx --cron '30 3 * * *' --time-zone Europe/Berlin --mirror
  $ tidemark schedule create team/app --every 900 --jitter 120
  $ tidemark schedule list`;

export function addSchedule(program: Command, choose: (plan: SchedulePlan) => void): void {
  const schedule = program
    .command('schedule')
    .description('let a sync come again by itself: create, list, pause, resume, trigger, delete')
    .addHelpText('after', examples);
  addCreate(schedule, choose);
  withClientOptions(schedule.command('list').description('list schedules, with their next and last runs'))
    .option('--first <n>', 'how many, at the most', wholeNumber(1, 100), 20)
    .action((options: ListOptions) =>
      choose({
        command: 'schedule',
        verb: { name: 'list', first: options.first },
        ...clientOptions(options),
      }),
    );
  for (const [name, text] of [
    ['pause', 'let a schedule rest'],
    ['resume', 'let a schedule that rests run again'],
  ] as const)
    withClientOptions(schedule.command(name).description(text))
      .argument('<schedule id>', 'as "tidemark schedule list" has it')
      .option('--note <text>', 'why, for people')
      .action((id: string, options: GivenClientOptions & { readonly note?: string }) =>
        choose({ command: 'schedule', verb: { name, id, note: options.note }, ...clientOptions(options) }),
      );
  for (const [name, text] of [
    ['trigger', 'run a schedule now, and follow its task'],
    ['delete', 'end a schedule; what it has synced stays'],
  ] as const)
    withClientOptions(schedule.command(name).description(text))
      .argument('<schedule id>', 'as "tidemark schedule list" has it')
      .action((id: string, options: GivenClientOptions) =>
        choose({ command: 'schedule', verb: { name, id }, ...clientOptions(options) }),
      );
}

const yearSeconds = 31_622_400;

function addCreate(schedule: Command, choose: (plan: SchedulePlan) => void): void {
  withClientOptions(
    schedule.command('create').description('sync a repository again and again, with its remote'),
  )
    .argument('<repository>', 'its name')
    .option('--cron <line>', 'minute, hour, day of the month, month, day of the week; or @daily and its kin')
    .option('--every <seconds>', 'instead of --cron', wholeNumber(1, yearSeconds))
    .option('--time-zone <name>', 'in which --cron is meant (default: UTC)')
    .option('--jitter <seconds>', 'begin up to so much later (default: 60)', wholeNumber(0, 86_400))
    .option(
      '--catch-up <seconds>',
      'make up for a missed run so long (default: 3600)',
      wholeNumber(10, yearSeconds),
    )
    .option('--mirror', 'remove what the upstream does not have any more')
    .option('--note <text>', 'for people')
    .action((repository: string, options: ScheduleTimes & GivenClientOptions) =>
      choose({
        command: 'schedule',
        verb: { name: 'create', repository, times: options },
        ...clientOptions(options),
      }),
    );
}
