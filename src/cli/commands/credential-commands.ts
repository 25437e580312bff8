import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { Choose, Client } from '../command.ts';
import { readPassword } from '../read-password.ts';
import { usage } from '../usage.ts';
import { addList } from './list-command.ts';
import type { ListCommand } from './list-command.ts';
import { addCreate, addDelete, addShow, addUpdate, orNull, splitList } from './thing-commands.ts';
import type { Thing } from './thing-commands.ts';

interface Credential {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly hosts: readonly string[] | null;
  readonly username: string | null;
  readonly hasSecret: boolean;
  readonly configFile: string | null;
  readonly helper: string | null;
  readonly region: string | null;
  readonly roleArn: string | null;
  readonly clientId: string | null;
}

interface Changes {
  readonly hosts?: string;
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly configFile?: string;
  readonly helper?: string;
  readonly region?: string;
  readonly roleArn?: string;
  readonly keyFile?: string;
  readonly clientId?: string;
}

const kinds = {
  static: 'STATIC',
  'docker-config': 'DOCKER_CONFIG',
  helper: 'HELPER',
  ecr: 'ECR',
  google: 'GOOGLE',
  azure: 'AZURE',
} as const;

const credential: Thing<Changes> = {
  noun: 'credential',
  argument: '<credential>',
  fields: 'id name kind hosts username hasSecret configFile helper region roleArn clientId',
  setUp: withChanges,
  read: readChanges,
};

const list: Omit<ListCommand<Credential, object>, 'usage'> = {
  text: 'list credentials: logins that remotes share',
  list: () => ({
    key: 'credentials',
    connection: 'credentials',
    nodes: credential.fields,
    noun: 'credential',
    columns: ['CREDENTIAL', 'KIND', 'LOGIN', 'HOSTS'],
    row: (one) => [one.name, one.kind, loginOf(one), one.hosts?.join(', ') ?? null],
    none: 'There are no credentials.',
  }),
};

export function addCredentials(program: Command, choose: Choose): void {
  addList<Credential>(program, choose, { ...list, usage: 'credentials' });
  const parent = program
    .command('credential')
    .description('list, show, create, change or delete a credential');
  addList<Credential>(parent, choose, { ...list, usage: 'list' });
  addShow<Credential>(parent, choose, credential, {
    text: 'show a credential; secrets are never shown',
    lines: (one) => [
      ['credential', one.name],
      ['id', one.id],
      ['kind', one.kind],
      ['hosts', one.hosts?.join(', ') ?? 'default of the kind'],
      ['user', one.username],
      ['secret', one.hasSecret ? 'set' : 'none'],
      ['config file', one.configFile],
      ['helper', one.helper],
      ['region', one.region],
      ['role', one.roleArn],
      ['client id', one.clientId],
    ],
  });
  addCreate<Changes & { readonly kind: keyof typeof kinds }>(parent, choose, credential, {
    mutation: 'credentialCreate',
    text: 'create a credential',
    setUp: (command) =>
      command
        .addOption(
          new Option('--kind <kind>', 'where the login comes from')
            .choices(Object.keys(kinds))
            .default('static'),
        )
        .addHelpText(
          'after',
          '\nExamples:\n  $ tidemark credential create hub --username me --password-stdin < token.txt' +
            '\n  $ tidemark credential create ecr --kind ecr --region eu-central-1',
        ),
    input: (_, __, { kind }) => ({ kind: kinds[kind] }),
  });
  addUpdate(parent, choose, credential, {
    mutation: 'credentialUpdate',
    text: 'change a credential; the remotes that use it log in anew',
  });
  addDelete(parent, choose, credential, {
    mutation: 'credentialDelete',
    text: 'delete a credential that no remote uses',
  });
}

function loginOf(one: Credential): string | null {
  return one.username ?? one.helper ?? one.configFile ?? one.roleArn ?? one.region ?? one.clientId;
}

function withChanges(command: Command): void {
  command
    .option(
      '--hosts <list>',
      "hosts that may receive it, separated by commas; '' for the default of the kind",
    )
    .option('--username <name>', 'static: the user')
    .option('--password-stdin', "static: read that user's password or token from standard input")
    .option('--config-file <path>', "docker-config: file in the server's folder; '' for config.json")
    .option('--helper <name>', 'helper: the program docker-credential-<name>')
    .option('--region <name>', "ecr: region; '' for that of the registry's host")
    .option('--role-arn <arn>', "ecr: role to assume; '' for none")
    .option('--key-file <path>', "google: JSON key of a service account; '' for the server's own identity")
    .option('--client-id <id>', "azure: client id of a managed identity; '' for the machine's own");
}

async function readChanges(client: Client, options: Changes): Promise<Readonly<Record<string, unknown>>> {
  return {
    hosts: options.hosts === '' ? null : splitList(options.hosts),
    username: options.username,
    password: options.passwordStdin === true ? await readPassword(client.interrupt.signal) : undefined,
    configFile: orNull(options.configFile),
    helper: options.helper,
    region: orNull(options.region),
    roleArn: orNull(options.roleArn),
    serviceAccountKey: await readKey(options.keyFile),
    clientId: orNull(options.clientId),
  };
}

async function readKey(path: string | undefined): Promise<string | null | undefined> {
  if (path === undefined || path === '') return path === '' ? null : undefined;
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw usage(
      `--key-file names ${path}, which cannot be read. Expected the JSON key of a service account.`,
      error,
    );
  });
}
