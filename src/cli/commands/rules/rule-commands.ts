import type { Command } from 'commander';
import { Option } from 'commander';
import { discoveries } from '../../../oci/hosts/discovery.ts';
import { addClientCommand, collect, wholeNumber } from '../../command.ts';
import type { Choose, Client } from '../../command.ts';
import { describeFallbacks, fallbackFields } from '../../remotes/fallbacks.ts';
import type { Fallback } from '../../remotes/fallbacks.ts';
import { describeGlobs, readGlobs, withGlobs, withUrl } from '../../remotes/globs.ts';
import type { GlobOptions, TakenRepositories } from '../../remotes/globs.ts';
import { addList } from '../list-command.ts';
import { readRemoteOptions, withRemoteOptions } from '../remotes/remote-commands.ts';
import type { RemoteOptions } from '../remotes/remote-commands.ts';
import { addCreate, addDelete, addShow, addUpdate, listOrNull, orNull } from '../thing-commands.ts';
import type { Thing } from '../thing-commands.ts';
import { runRule } from './run-rule.ts';

interface Rule extends TakenRepositories {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly discovery: string;
  readonly repositories: readonly string[] | null;
  readonly stripPrefix: string | null;
  readonly targetPrefix: string;
  readonly vanishedCount: number;
  readonly mirror: boolean;
  readonly fallbacks: readonly Fallback[];
  readonly cron: string | null;
  readonly intervalSeconds: number | null;
  readonly lastRun: { readonly state: string } | null;
}

interface Changes extends RemoteOptions, GlobOptions {
  readonly discovery?: string;
  readonly repository?: readonly string[];
  readonly stripPrefix?: string;
  readonly targetPrefix?: string;
  readonly mirror?: boolean;
  readonly cron?: string;
  readonly every?: number;
  readonly timeZone?: string;
  readonly pause?: boolean;
}

const rule: Thing<Changes> = {
  noun: 'rule',
  argument: '<rule>',
  fields: `id name url discovery repositories includeRepositories excludeRepositories stripPrefix targetPrefix repositoriesAtMost
    repositoryCount vanishedCount mirror cron intervalSeconds timeZone paused lastRun { id state } ${fallbackFields}`,
  setUp: withChanges,
  read: readChanges,
};

export function addRules(program: Command, choose: Choose): void {
  addList<Rule>(program, choose, {
    usage: 'rules',
    text: 'list mirror rules: what makes repositories from those of a registry',
    list: () => ({
      key: 'mirrorRules',
      connection: 'mirrorRules',
      nodes: rule.fields,
      noun: 'mirror rule',
      columns: ['RULE', 'UPSTREAM', 'DISCOVERY', 'TARGET', 'REPOSITORIES', 'VANISHED', 'LAST RUN'],
      row: (one) => [
        one.name,
        one.url,
        one.discovery,
        one.targetPrefix,
        one.repositoryCount,
        one.vanishedCount,
        one.lastRun?.state ?? null,
      ],
      none: 'There are no mirror rules.',
    }),
  });
  const parent = program.command('rule').description('show, create, change, run or delete a mirror rule');
  addShow<Rule>(parent, choose, rule, { text: 'show a mirror rule', lines: describe });
  addCreate(parent, choose, rule, {
    mutation: 'mirrorRuleCreate',
    usage: '<url>',
    text: 'create a mirror rule; the options of a remote are those of the remotes that it makes',
    setUp: (command) =>
      command.addHelpText(
        'after',
        "\nExample:\n  $ tidemark rule create team https://harbor.example --include 'team/**' --target-prefix mirror/team --tags 'v*'",
      ),
    input: (_, [, url]) => ({ url }),
  });
  addUpdate(parent, choose, rule, {
    mutation: 'mirrorRuleUpdate',
    text: 'change a mirror rule; the repositories that it has made stay as they are',
    setUp: withUrl,
  });
  addDelete(parent, choose, rule, {
    mutation: 'mirrorRuleDelete',
    text: 'delete a mirror rule; the repositories that it has made stay',
  });
  addClientCommand<{ readonly dryRun?: boolean }>(parent, choose, {
    usage: 'run <rule>',
    text: 'create the repositories that are new, and sync all of the rule',
    setUp: (command) => command.option('--dry-run', 'only list what a run would do'),
    run: (client, [name = ''], { dryRun = false }) => runRule(client, name, dryRun),
  });
}

function describe(one: Rule): [string, string | number | null][] {
  return [
    ['rule', one.name],
    ['id', one.id],
    ['url', one.url],
    ...describeFallbacks(one.fallbacks),
    ['discovery', one.discovery],
    ['names', one.repositories?.join(', ') ?? null],
    ...describeGlobs(one),
    ['strip prefix', one.stripPrefix],
    ['target prefix', one.targetPrefix],
    ['at most', one.repositoriesAtMost],
    ['repositories', one.repositoryCount],
    ['vanished', one.vanishedCount],
    ['syncs', one.mirror ? 'mirror: tags that are gone are removed' : 'add'],
    ['runs', one.cron ?? (one.intervalSeconds === null ? 'on request' : `every ${one.intervalSeconds} s`)],
    ['last run', one.lastRun?.state ?? null],
  ];
}

function withChanges(command: Command): void {
  withGlobs(command, { example: 'team/**', does: 'it may select' });
  command
    .addOption(
      new Option('--discovery <how>', 'how repositories are found; list takes --repository').choices(
        discoveries.map(toOption),
      ),
    )
    .option('--repository <name>', 'a repository at the upstream, for --discovery list; repeatable', collect)
    .option('--strip-prefix <prefix>', "leading parts that new names omit; '' for none")
    .option('--target-prefix <prefix>', 'leading parts of the new names')
    .option('--mirror', 'its syncs remove tags that the upstream no longer has')
    .option('--no-mirror', 'its syncs only add')
    .option('--cron <expression>', "run by itself at these times; '' for never")
    .option('--every <seconds>', 'run by itself at this interval; 0 for never', wholeNumber(0, 31_622_400))
    .option('--time-zone <name>', 'time zone of --cron')
    .option('--pause', 'do not run by itself')
    .option('--no-pause', 'run by itself again');
  withRemoteOptions(command);
}

function toOption(discovery: string): string {
  return discovery.toLowerCase().replace('_', '-');
}

async function readChanges(client: Client, options: Changes): Promise<Readonly<Record<string, unknown>>> {
  const { upstreamName: _, ...fields } = await readRemoteOptions(client, options);
  return {
    ...fields,
    discovery: discoveries.find((one) => toOption(one) === options.discovery),
    repositories: listOrNull(options.repository),
    ...readGlobs(options),
    stripPrefix: orNull(options.stripPrefix),
    targetPrefix: options.targetPrefix,
    mirror: options.mirror,
    cron: orNull(options.cron),
    intervalSeconds: options.every === 0 ? null : options.every,
    timeZone: options.timeZone,
    paused: options.pause,
  };
}
