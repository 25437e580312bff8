import { Argument, Command, CommanderError, Option } from 'commander';
import { isTidemarkError } from '../oci/error.ts';
import type { Role } from '../processes/server.ts';
import type { ClientPlan } from './client-command.ts';
import { clientOptions, wholeNumber, withClientOptions } from './client-options.ts';
import type { ClientOptions, GivenClientOptions } from './client-options.ts';
import { addAccess } from './commands/access-commands.ts';
import { completionScript, shells } from './commands/completion-command.ts';
import type { Shell } from './commands/completion-command.ts';
import { addContent } from './commands/content-commands.ts';
import { addDistributions } from './commands/distribution-commands.ts';
import { addPolicies } from './commands/policy-commands.ts';
import { addRemotes } from './commands/remote-commands.ts';
import { addRepositories } from './commands/repository-commands.ts';
import { addSchedules } from './commands/schedule-commands.ts';
import { addTag } from './commands/tag-commands.ts';
import { addTasks } from './commands/task-commands.ts';
import { addUpkeep } from './commands/upkeep-commands.ts';
import { parseTokenRequest } from './token-command.ts';
import type { TokenOptions, TokenRequest } from './token-command.ts';
import { parseSyncRequest, policies } from './sync/sync-request.ts';
import type { SyncOptions, SyncRequest } from './sync/sync-request.ts';

/** What a command line asks for. */
export type CommandPlan =
  | { readonly command: 'start' | 'migrate' }
  | { readonly command: 'roles'; readonly name: string; readonly roles: readonly Role[] }
  | { readonly command: 'schema'; readonly write: boolean }
  | { readonly command: 'demo'; readonly keep: boolean }
  | { readonly command: 'token'; readonly request: TokenRequest }
  | ({
      readonly command: 'sync';
      readonly request: SyncRequest;
      readonly passwordStdin: boolean;
      /** Path of the key that has to have signed. */
      readonly keyFile?: string | undefined;
    } & ClientOptions)
  | ClientPlan
  /** Help, the version or a usage error: only text to show. */
  | { readonly command: 'show'; readonly text: string; readonly isMistake: boolean };

const description = `Exact, versioned mirrors of container repositories.

Point it at any registry: each sync is a durable workflow that ends in one immutable version.`;

const examples = `
Examples:
  $ tidemark start                                    bring everything up and keep it running
  $ tidemark sync nginx:1.27                          copy one tag from Docker Hub
  $ tidemark sync quay.io/prometheus/busybox --tags 'glibc*,latest'
  $ tidemark sync ghcr.io/org/app --mirror            also remove what the upstream has removed
  $ tidemark repositories --stale 24                  mirrors without a sync for a day
  $ tidemark tasks --state failed                     what failed; "task show" says why
  $ tidemark promote prod/nginx --version 7           serve version 7; roll back the same way
  $ tidemark demo                                     see it work, without internet

Exit codes: 0 done, 1 failed, 2 usage, 3 synced but for some tags.
From a checkout: ./tidemark, after "npm start" once. Settings are environment variables (docs/settings.md).`;

const syncExamples = `
Tags are names, shell wildcards (* ? [abc]) or digests; a tag or digest in the image counts as one.
A new repository keeps these options. For one that exists they apply to this sync alone, unless --save is given.
With --mirror, tags that the filters leave out are kept, and counted; --prune-filtered removes them.

Examples:
  $ tidemark sync nginx:1.27
  $ tidemark sync quay.io/prometheus/busybox --tags 'glibc*,latest' --exclude-tags '*-arm'
  $ tidemark sync registry.example.org/team/app --username robot --password-stdin < token.txt
  $ tidemark sync team/app --upstream http://127.0.0.1:5000 --mirror --dry-run
  $ tidemark sync ghcr.io/org/app --tags 'v2.*' --save
  $ tidemark sync alpine:3 --json | jq .version.number`;

/** Reads `process.argv`; touches nothing. */
export function parseArguments(argv: readonly string[], version: string): CommandPlan {
  let plan: CommandPlan | undefined;
  let text = '';
  const write = (part: string): void => {
    text += part;
  };
  const program = createProgram(version, (chosen) => {
    plan = chosen;
  });
  for (const command of allCommands(program))
    command.exitOverride().configureOutput({ writeOut: write, writeErr: write });
  try {
    program.parse([...argv]);
  } catch (error) {
    if (isTidemarkError(error)) return { command: 'show', text: error.message, isMistake: true };
    if (!(error instanceof CommanderError)) throw error;
    const isMistake = error.exitCode !== 0;
    return { command: 'show', text: text.trim().replace(/^error: /, ''), isMistake };
  }
  return plan ?? { command: 'show', text: program.helpInformation(), isMistake: true };
}

/** Every command, the groups included. */
export function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

type Choose = (plan: CommandPlan) => void;

export function createProgram(version: string, choose: Choose): Command {
  const program = new Command('tidemark')
    .description(description)
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    // so that --version after a command is an option of that command
    .enablePositionalOptions()
    .addHelpText('after', examples)
    .showHelpAfterError('Run "tidemark --help" for what there is.');
  program.commandsGroup('Work with repositories:');
  addSync(program, choose);
  addRepositories(program, choose);
  addContent(program, choose);
  addTag(program, choose);
  addTasks(program, choose);
  addSchedules(program, choose);
  program.commandsGroup('Configure:');
  addRemotes(program, choose);
  addDistributions(program, choose);
  addPolicies(program, choose);
  const token = addToken(program, choose);
  addAccess(program, token, choose);
  program.commandsGroup('Operate:');
  addUpkeep(program, choose);
  addServerCommands(program, choose);
  return program;
}

function addServerCommands(program: Command, choose: Choose): void {
  program.commandsGroup('Run a server:');
  program
    .command('start')
    .description('run everything, with PostgreSQL and Temporal of its own where none are named')
    .action(() => choose({ command: 'start' }));
  const roles: readonly (readonly [string, readonly Role[], string])[] = [
    ['serve', ['api', 'worker'], 'for production: the API and a worker in one process'],
    ['api', ['api'], 'for production: the API alone'],
    ['worker', ['worker'], 'for production: a worker alone; run as many as you like'],
  ];
  for (const [name, parts, text] of roles)
    program
      .command(name)
      .description(text)
      .addHelpText('after', '\nNeeds DATABASE_URL and TEMPORAL_ADDRESS. Logs are JSON, one line each.')
      .action(() => choose({ command: 'roles', name, roles: parts }));
  program
    .command('migrate')
    .description('bring the database of DATABASE_URL up to this version')
    .action(() => choose({ command: 'migrate' }));
  program
    .command('schema')
    .description('print the GraphQL schema')
    .option('--write', 'write it to schema/schema.graphql instead')
    .action(({ write = false }: { write?: boolean }) => choose({ command: 'schema', write }));
  program
    .command('completion')
    .description('print the script that completes commands in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .addHelpText('after', '\nExample:\n  $ source <(tidemark completion bash)')
    .action((shell: Shell) =>
      choose({ command: 'show', text: completionScript(program, shell), isMistake: false }),
    );
  program
    .command('demo')
    .description('see it work: sync a sample upstream on this machine twice, and compare; needs no internet')
    .option('--keep', 'leave everything running to explore, until Ctrl-C')
    .action(({ keep = false }: { keep?: boolean }) => choose({ command: 'demo', keep }));
}

function addToken(program: Command, choose: Choose): Command {
  const token = program.command('token').description('create or revoke a token to log in with');
  token
    .command('create')
    .description("create a token on the server's machine, straight in its database, and print it this once")
    .argument('<name>', 'who or what logs in with it')
    .option('--admin', 'for everything: the first one')
    .option('--role <role>', 'reader, pusher, maintainer or admin')
    .option('--scope <scope>', 'where: "*", "team/*" or the name of a repository', '*')
    .option('--expires-in-days <n>', 'lifetime in days', wholeNumber(1, 3_650), 90)
    .addHelpText(
      'after',
      "\nThe database is that of DATABASE_URL, else that of the data folder (TIDEMARK_DATA, ./data): use the server's own settings.\n" +
        '\nExamples:\n  $ tidemark token create ops --admin > ops.token\n' +
        "  $ tidemark token create ci --role pusher --scope 'team/*' > ci.token",
    )
    .action((name: string, options: TokenOptions) =>
      choose({ command: 'token', request: parseTokenRequest(name, options) }),
    );
  return token;
}

function addSync(program: Command, choose: Choose): void {
  withClientOptions(
    program
      .command('sync')
      .description('copy a repository, or some of its tags, into a new immutable version'),
  )
    .argument('<image>', 'what docker would pull: nginx:1.27, quay.io/org/app, localhost:5000/app@sha256:…')
    .option('--tags <list>', "only these tags, separated by commas: 'v1.*,latest'; '*' for every tag")
    .option('--exclude-tags <list>', "not these tags; '' to exclude none")
    .option('--mirror', 'remove what the upstream no longer has')
    .option('--prune-filtered', 'with --mirror: also remove the tags that the filters leave out')
    .option('--confirm-removal', 'allow a mirror sync to remove most or all tags')
    .option('--dry-run', 'only show what would change; nothing is stored')
    .option('--save', 'store the options in the remote, for later syncs and schedules')
    .option(
      '--into-existing',
      'allow a repository that was pushed to to become a mirror, which refuses pushes',
    )
    .option('--change-upstream', 'allow the repository to be synced from another upstream from now on')
    .addOption(
      new Option(
        '--policy <when>',
        'when layers are fetched: by the sync, at the first pull, or at each',
      ).choices(Object.keys(policies)),
    )
    .option('--upstream <url>', 'address of the registry; <image> is then only the name there')
    .option('--name <name>', 'name of the local repository (default: the name at the upstream)')
    .option('--username <name>', 'user at the upstream')
    .option('--password-stdin', "read that user's password or token from standard input")
    .option(
      '--require-signature <file>',
      'leave out what this key has not signed: cosign.pub, or armoured OpenPGP',
    )
    .option('--concurrency <n>', 'requests in flight at one time', wholeNumber(1, 100))
    .addHelpText('after', syncExamples)
    .action((image: string, options: SyncOptions & GivenClientOptions) =>
      choose({
        command: 'sync',
        request: parseSyncRequest(image, options),
        passwordStdin: options.passwordStdin ?? false,
        keyFile: options.requireSignature,
        ...clientOptions(options),
      }),
    );
}
