import { Command, CommanderError } from 'commander';
import { isTidemarkError } from '../oci/error.ts';
import type { Choose, CommandPlan } from './command.ts';
import { addAccess } from './commands/access-commands.ts';
import { addClientConfig } from './clients/client-config-command.ts';
import { addCompletion } from './commands/completion-command.ts';
import { addConfiguration } from './configuration/configuration-commands.ts';
import { addContent } from './commands/content-commands.ts';
import { addConvert } from './configuration/convert-command.ts';
import { addCredentials } from './commands/credential-commands.ts';
import { addDistributions } from './commands/distribution-commands.ts';
import { addPolicies } from './commands/policy-commands.ts';
import { addProxies } from './commands/proxies/proxy-commands.ts';
import { addRules } from './commands/rules/rule-commands.ts';
import { addRemotes } from './commands/remotes/remote-commands.ts';
import { addRepositories } from './commands/repository-commands.ts';
import { addSchedules } from './commands/schedule-commands.ts';
import { addServer } from './commands/server-commands.ts';
import { addSearch } from './commands/search-command.ts';
import { addStatus } from './commands/status-command.ts';
import { addSync } from './commands/sync-command.ts';
import { addTag } from './commands/tag-commands.ts';
import { addTasks } from './commands/task-commands.ts';
import { addUpkeep } from './commands/upkeep-commands.ts';
import { addWebhooks } from './commands/webhooks/webhook-commands.ts';

/** The groups of `tidemark --help`, and what registers their commands. */
const groups: readonly (readonly [string, readonly ((program: Command, choose: Choose) => void)[]])[] = [
  ['Work with repositories:', [addSync, addRepositories, addContent, addTag, addTasks, addSchedules]],
  [
    'Configure:',
    [
      addConfiguration,
      addConvert,
      addRemotes,
      addCredentials,
      addDistributions,
      addPolicies,
      addRules,
      addProxies,
      addWebhooks,
      addAccess,
    ],
  ],
  ['Operate:', [addStatus, addSearch, addUpkeep, addClientConfig]],
  ['Run a server:', [addServer, addCompletion]],
];

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
  $ tidemark plan -f mirrors.yaml                     what tidemark.yaml would change; "apply" does it
  $ tidemark demo                                     see it work, without internet

Exit codes: 0 done, 1 failed, 2 usage, 3 synced but for some tags.
From a checkout: ./tidemark, after "npm start" once. Settings are environment variables (docs/settings.md).`;

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

function createProgram(version: string, choose: Choose): Command {
  const program = new Command('tidemark')
    .description(description)
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    // so that --version after a command is an option of that command
    .enablePositionalOptions()
    .addHelpText('after', examples)
    .showHelpAfterError('Run "tidemark --help" for the list of commands.');
  for (const [heading, register] of groups) {
    program.commandsGroup(heading);
    for (const add of register) add(program, choose);
  }
  return program;
}
