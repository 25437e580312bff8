import { Command, CommanderError, Option } from 'commander';
import { isTidemarkError } from '../oci/error.ts';
import type { Role } from '../roles/server.ts';
import { clientOptions, wholeNumber, withClientOptions } from './client-options.ts';
import type { ClientOptions, GivenClientOptions, ListOptions } from './client-options.ts';
import { addSchedule } from './schedule-arguments.ts';
import type { SchedulePlan } from './schedule-arguments.ts';
import { parseTokenRequest } from './token-command.ts';
import type { TokenOptions, TokenRequest } from './token-command.ts';
import { parseSyncRequest, policies } from './sync-request.ts';
import type { SyncOptions, SyncRequest } from './sync-request.ts';

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
  | ({ readonly command: 'repositories' | 'tasks'; readonly first: number } & ClientOptions)
  | ({ readonly command: 'versions'; readonly repository: string; readonly first: number } & ClientOptions)
  | ({ readonly command: 'cancel'; readonly taskId: string } & ClientOptions)
  | SchedulePlan
  | ({ readonly command: 'gc'; readonly dryRun: boolean } & ClientOptions)
  | ({ readonly command: 'verify' | 'rotate-key' } & ClientOptions)
  /** Help, the version or a mistake: only text to show. */
  | { readonly command: 'show'; readonly text: string; readonly isMistake: boolean };

const description = `Exact, versioned mirrors of container repositories.

Point it at any registry: each sync is a durable workflow that ends in one immutable version.`;

const examples = `
Examples:
  $ tidemark start                                    bring everything up and keep it running
  $ tidemark sync nginx:1.27                          copy one tag from Docker Hub
  $ tidemark sync quay.io/prometheus/busybox --tags 'glibc*,latest'
  $ tidemark sync ghcr.io/org/app --mirror            also remove what the upstream has removed
  $ tidemark sync org/app --upstream http://127.0.0.1:5000
  $ tidemark demo                                     see it work, without internet

From a checkout: npm start -- sync nginx:1.27
Settings are environment variables (TIDEMARK_DATA, TIDEMARK_PORT, …): the README has the table.`;

const syncExamples = `
Tags are names, shell wildcards (* ? [abc]) or digests; a tag or digest in the image counts as one. Options that are not
given stay as an earlier sync has set them.

Examples:
  $ tidemark sync nginx:1.27
  $ tidemark sync quay.io/prometheus/busybox --tags 'glibc*,latest' --exclude-tags '*-arm'
  $ tidemark sync registry.example.org/team/app --username robot --password-stdin < token.txt
  $ tidemark sync team/app --upstream http://127.0.0.1:5000 --mirror --dry-run
  $ tidemark sync ghcr.io/org/app --require-signature cosign.pub
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

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

type Choose = (plan: CommandPlan) => void;

function createProgram(version: string, choose: Choose): Command {
  const program = new Command('tidemark')
    .description(description)
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', examples)
    .showHelpAfterError('Run "tidemark --help" for what there is.');
  addClientCommands(program, choose);
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
  addToken(program, choose);
  program
    .command('schema')
    .description('print the GraphQL schema')
    .option('--write', 'write it to schema/schema.graphql instead')
    .action(({ write = false }: { write?: boolean }) => choose({ command: 'schema', write }));
}

function addToken(program: Command, choose: Choose): void {
  program
    .command('token')
    .description('make what to log in with, straight in the database')
    .command('create')
    .description('make a token, and write it to standard output, this once')
    .argument('<name>', 'who or what logs in with it')
    .option('--admin', 'for everything: the first one')
    .option('--role <role>', 'reader, pusher, maintainer or admin')
    .option('--scope <scope>', 'where: "*", "team/*" or the name of a repository', '*')
    .option('--expires-in-days <n>', 'how long it counts', wholeNumber(1, 3_650), 90)
    .action((name: string, options: TokenOptions) =>
      choose({ command: 'token', request: parseTokenRequest(name, options) }),
    );
}

function addClientCommands(program: Command, choose: Choose): void {
  program.commandsGroup('Work with repositories:');
  addSync(program, choose);
  for (const command of ['repositories', 'tasks'] as const)
    withClientOptions(program.command(command).description(`list ${command}`))
      .option('--first <n>', 'how many, at the most', wholeNumber(1, 100), 20)
      .action((options: ListOptions) => choose({ command, first: options.first, ...clientOptions(options) }));
  withClientOptions(
    program.command('versions').description('list the versions of a repository, newest first'),
  )
    .argument('<repository>', 'its name')
    .option('--first <n>', 'how many, at the most', wholeNumber(1, 100), 20)
    .action((repository: string, options: ListOptions) =>
      choose({ command: 'versions', repository, first: options.first, ...clientOptions(options) }),
    );
  withClientOptions(program.command('cancel').description('cancel a task, and wait for its end'))
    .argument('<task id>', 'as "tidemark tasks" lists it')
    .action((taskId: string, options: GivenClientOptions) =>
      choose({ command: 'cancel', taskId, ...clientOptions(options) }),
    );
  addSchedule(program, choose);
  addUpkeep(program, choose);
  program
    .command('demo')
    .description('see it work: sync a sample upstream on this machine twice, and compare; needs no internet')
    .option('--keep', 'leave everything running to explore, until Ctrl-C')
    .action(({ keep = false }: { keep?: boolean }) => choose({ command: 'demo', keep }));
}

function addUpkeep(program: Command, choose: Choose): void {
  withClientOptions(
    program.command('gc').description('clean up: old versions, and content that nothing reaches any more'),
  )
    .option('--dry-run', 'only say what would be removed now')
    .action(({ dryRun = false, ...options }: GivenClientOptions & { dryRun?: boolean }) =>
      choose({ command: 'gc', dryRun, ...clientOptions(options) }),
    );
  withClientOptions(
    program.command('verify').description('hash all that is stored again; what is damaged is fetched anew'),
  ).action((options: GivenClientOptions) => choose({ command: 'verify', ...clientOptions(options) }));
  withClientOptions(
    program.command('rotate-key').description('encrypt the stored secrets with the first of several keys'),
  )
    .addHelpText(
      'after',
      '\nFirst start every process with the new key before the old one (TIDEMARK_SECRET_KEY=new,old).',
    )
    .action((options: GivenClientOptions) => choose({ command: 'rotate-key', ...clientOptions(options) }));
}

function addSync(program: Command, choose: Choose): void {
  withClientOptions(
    program
      .command('sync')
      .description('copy a repository, or some of its tags, into a new immutable version'),
  )
    .argument('<image>', 'what docker would pull: nginx:1.27, quay.io/org/app, localhost:5000/app@sha256:…')
    .option('--tags <list>', "only these tags, between commas: 'v1.*,latest'; '*' for every tag")
    .option('--exclude-tags <list>', "not these; '' to exclude none any more")
    .option('--mirror', 'remove what the upstream does not have any more')
    .option('--confirm-removal', 'let a mirror sync remove most or all tags')
    .option('--dry-run', 'only say what would change')
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
