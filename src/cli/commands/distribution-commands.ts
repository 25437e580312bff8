import type { Command } from 'commander';
import { findIfThere, findNamed, given, mutate, readList } from '../api-calls.ts';
import { addClientCommand } from '../client-command.ts';
import type { ChooseClient, Client } from '../client-command.ts';
import { wholeNumber } from '../client-options.ts';
import { withListOptions } from '../list-options.ts';
import type { ListGiven } from '../list-options.ts';
import { findVersion } from './content-commands.ts';
import { deleteThing } from './delete-thing.ts';
import { localTime, printDone, printTable, printThing } from './print.ts';

interface Distribution {
  readonly id: string;
  readonly basePath: string;
  readonly private: boolean;
  readonly accessDecided: boolean;
  readonly pullThrough: boolean;
  readonly repository: { readonly name: string } | null;
  readonly version: { readonly number: number } | null;
  readonly signaturePolicy: { readonly name: string } | null;
}

const fields = `id basePath private accessDecided pullThrough repository { id name } version { id number } signaturePolicy { id name }`;

interface Move {
  readonly movedAt: string;
  readonly fromRepository: { readonly name: string } | null;
  readonly fromVersionNumber: number | null;
  readonly toRepository: { readonly name: string } | null;
  readonly toVersionNumber: number | null;
}

export function addDistributions(program: Command, choose: ChooseClient): void {
  addClientCommand<ListGiven>(program, choose, {
    usage: 'distributions',
    text: 'list what is served at which base path',
    reads: true,
    setUp: withListOptions,
    run: async (client, _, wish) => {
      const document = {
        head: '',
        body: (selection: string) => `list: distributions(first: $first, after: $after) ${selection}`,
        nodes: fields,
      };
      const found = await readList<Distribution>(client.session, document, wish);
      return printTable(client, 'distributions', found ?? { totalCount: 0, nodes: [] }, {
        noun: 'distribution',
        columns: ['BASE PATH', 'REPOSITORY', 'VERSION', 'PULLED BY', 'PULL-THROUGH', 'SIGNATURE POLICY'],
        row: (one) => [
          one.basePath,
          one.repository?.name ?? null,
          one.version?.number.toString() ?? 'latest',
          pulledBy(one),
          one.pullThrough ? 'yes' : null,
          one.signaturePolicy?.name ?? null,
        ],
        none: 'There are no distributions.',
      });
    },
  });
  addPromote(program, choose);
  const parent = program
    .command('distribution')
    .description('show, create, change or delete one distribution');
  addReads(parent, choose);
  addChanges(parent, choose);
}

/** One that was made while logins were off is private while they are on, until somebody decides. */
function pulledBy({ private: isPrivate, accessDecided }: Distribution): string {
  if (!isPrivate) return 'anybody';
  return accessDecided ? 'readers' : 'readers (undecided: --public or --private)';
}

interface Target {
  readonly version?: number;
  readonly repository?: string;
}

function addPromote(program: Command, choose: ChooseClient): void {
  addClientCommand<Target>(program, choose, {
    usage: 'promote <base-path>',
    text: 'point a distribution at a version, or at the latest of its repository',
    setUp: (command) =>
      void command
        .option(
          '--version <n>',
          'the version to pin; without it the latest is followed',
          wholeNumber(1, 2_147_483_647),
        )
        .option(
          '--repository <name>',
          'the repository to serve, where it is another one; a base path that is not there yet is created',
        )
        .addHelpText(
          'after',
          '\nExamples:\n  $ tidemark promote prod/nginx --version 7\n  $ tidemark promote prod/nginx --version 6     roll back\n  $ tidemark promote prod/nginx                 follow the latest\n' +
            '  $ tidemark promote prod/nginx --repository nginx --version 7     serve it at a new base path, too',
        ),
    run: async (client, [basePath = ''], { version, repository }) => {
      const present = await findPresent(client, basePath, repository);
      const name = repository ?? present?.repository?.name ?? '';
      const target =
        version === undefined
          ? { repositoryId: (await findNamed(client.session, 'repository', name)).id }
          : { versionId: await findVersion(client, name, version.toString()) };
      const [mutation, which] =
        present === undefined
          ? (['distributionCreate', { basePath }] as const)
          : (['distributionPoint', { id: present.id }] as const);
      const distribution = await mutate<object>(client.session, mutation, {
        field: 'distribution',
        fields,
        input: { ...which, ...target },
      });
      const what = version === undefined ? 'the latest version' : `version ${version}`;
      return printDone(client, { distribution }, `${basePath} serves ${what} of ${name}.`);
    },
  });
}

/** The distribution to promote; undefined where there is none, and a repository is given to serve there. */
async function findPresent(
  { session }: Client,
  basePath: string,
  repository: string | undefined,
): Promise<Distribution | undefined> {
  if (repository !== undefined) return findIfThere<Distribution>(session, 'distribution', basePath, fields);
  const advice = ' With --repository <name>, promote creates it.';
  return findNamed<Distribution>(session, 'distribution', basePath, fields, advice);
}

function addReads(parent: Command, choose: ChooseClient): void {
  addClientCommand(parent, choose, {
    usage: 'show <base-path>',
    text: 'show a distribution',
    reads: true,
    run: async (client, [basePath = '']) => {
      const one = await findNamed<Distribution>(client.session, 'distribution', basePath, fields);
      return printThing(client, 'distribution', one, [
        ['base path', one.basePath],
        ['id', one.id],
        ['repository', one.repository?.name ?? null],
        ['version', one.version?.number ?? 'latest'],
        ['pulled by', pulledBy(one)],
        ['pull-through', one.pullThrough ? 'yes' : 'no'],
        ['signature policy', one.signaturePolicy?.name ?? null],
      ]);
    },
  });
  addClientCommand<ListGiven>(parent, choose, {
    usage: 'history <base-path>',
    text: 'list what a distribution was pointed at, newest first',
    reads: true,
    setUp: withListOptions,
    run: async (client, [basePath = ''], wish) => {
      const { id } = await findNamed(client.session, 'distribution', basePath);
      const document = {
        head: ', $id: ID!',
        body: (selection: string) =>
          `distribution(id: $id) { list: moves(first: $first, after: $after) ${selection} }`,
        nodes: 'movedAt fromRepository { name } fromVersionNumber toRepository { name } toVersionNumber',
      };
      const moves = await readList<Move>(client.session, document, wish, { id });
      return printTable(client, 'moves', moves ?? { totalCount: 0, nodes: [] }, {
        noun: 'move',
        columns: ['WHEN', 'FROM', 'TO'],
        row: (move) => [
          localTime(move.movedAt),
          describeTarget(move.fromRepository, move.fromVersionNumber),
          describeTarget(move.toRepository, move.toVersionNumber),
        ],
        none: `${basePath} was never pointed elsewhere.`,
      });
    },
  });
}

function describeTarget(repository: { readonly name: string } | null, version: number | null): string | null {
  if (repository === null) return null;
  return `${repository.name} ${version === null ? 'latest' : `version ${version}`}`;
}

interface Changes extends Target {
  readonly basePath?: string;
  readonly private?: boolean;
  readonly public?: boolean;
  readonly pullThrough?: boolean;
  readonly signaturePolicy?: string;
}

function withChanges(command: Command): void {
  command
    .option('--private', 'only its readers pull')
    .option('--public', 'anybody pulls, without a login')
    .option('--pull-through', 'fetch unknown tags and digests from the remote of the repository')
    .option('--no-pull-through', 'serve what is stored alone')
    .option('--signature-policy <name>', "the policy that has to verify images; '' for none");
}

async function readChanges(client: Client, options: Changes): Promise<Record<string, unknown>> {
  const { pullThrough, signaturePolicy } = options;
  const isPrivate = options.private === true ? true : options.public === true ? false : undefined;
  const policyId =
    signaturePolicy === undefined || signaturePolicy === ''
      ? undefined
      : (await findNamed(client.session, 'policy', signaturePolicy)).id;
  return given({
    private: isPrivate,
    pullThrough,
    signaturePolicyId: signaturePolicy === '' ? null : policyId,
  });
}

function addChanges(parent: Command, choose: ChooseClient): void {
  addClientCommand<Changes>(parent, choose, {
    usage: 'create <base-path> <repository>',
    text: 'serve a repository at another base path',
    setUp: (command) =>
      withChanges(
        command.option(
          '--version <n>',
          'the version to pin; without it the latest is followed',
          wholeNumber(1, 2_147_483_647),
        ),
      ),
    run: async (client, [basePath = '', name = ''], options) => {
      const target =
        options.version === undefined
          ? { repositoryId: (await findNamed(client.session, 'repository', name)).id }
          : { versionId: await findVersion(client, name, options.version.toString()) };
      const distribution = await mutate<object>(client.session, 'distributionCreate', {
        field: 'distribution',
        fields,
        input: { basePath, ...target, ...(await readChanges(client, options)) },
      });
      return printDone(client, { distribution }, `${basePath} serves ${name}.`);
    },
  });
  addClientCommand<Changes>(parent, choose, {
    usage: 'update <base-path>',
    text: 'change a distribution; "promote" changes what it serves',
    setUp: (command) => withChanges(command.option('--base-path <path>', 'a new base path')),
    run: async (client, [basePath = ''], options) => {
      const { id } = await findNamed(client.session, 'distribution', basePath);
      const distribution = await mutate<Distribution>(client.session, 'distributionUpdate', {
        field: 'distribution',
        fields,
        input: { id, ...given({ basePath: options.basePath }), ...(await readChanges(client, options)) },
      });
      return printDone(client, { distribution }, `Changed ${distribution.basePath}.`);
    },
  });
  addClientCommand(parent, choose, {
    usage: 'delete <base-path>',
    text: 'stop serving a base path; the repository stays',
    run: async (client, [basePath = '']) => {
      const { id } = await findNamed(client.session, 'distribution', basePath);
      return deleteThing(client, 'distributionDelete', { id }, `Deleted the distribution ${basePath}.`);
    },
  });
}
