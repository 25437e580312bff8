import type { Command } from 'commander';
import { findIfThere, findNamed, mutate } from '../api-calls.ts';
import { addClientCommand, versionNumber } from '../command.ts';
import type { Choose, Client } from '../command.ts';
import { readAge } from '../tag-rules.ts';
import { findVersion } from './find-version.ts';
import { addList } from './list-command.ts';
import { localTime, printDone } from './print.ts';
import { addCreate, addDelete, addShow, addUpdate, idOf } from './thing-commands.ts';
import type { Thing } from './thing-commands.ts';

interface Distribution {
  readonly id: string;
  readonly basePath: string;
  readonly private: boolean;
  readonly accessDecided: boolean;
  readonly pullThrough: boolean;
  readonly tagTtlSeconds: number | null;
  readonly notFoundTtlSeconds: number;
  readonly repository: { readonly name: string } | null;
  readonly version: { readonly number: number } | null;
  readonly signaturePolicy: { readonly name: string } | null;
}

interface Move {
  readonly movedAt: string;
  readonly fromRepository: { readonly name: string } | null;
  readonly fromVersionNumber: number | null;
  readonly toRepository: { readonly name: string } | null;
  readonly toVersionNumber: number | null;
}

interface Changes {
  readonly private?: boolean;
  readonly public?: boolean;
  readonly pullThrough?: boolean;
  readonly tagTtl?: number | false;
  readonly notFoundTtl?: number;
  readonly signaturePolicy?: string;
}

interface Target {
  readonly version?: number;
}

const distribution: Thing<Changes & Target> = {
  noun: 'distribution',
  argument: '<base-path>',
  fields:
    'id basePath private accessDecided pullThrough tagTtlSeconds notFoundTtlSeconds repository { id name } version { id number } signaturePolicy { id name }',
  setUp: (command) =>
    command
      .option('--private', 'allow pulls to its readers only')
      .option('--public', 'allow pulls without a login')
      .option('--pull-through', 'fetch unknown tags and digests from the remote of the repository')
      .option('--no-pull-through', 'serve only stored content')
      .option(
        '--tag-ttl <time>',
        'with --pull-through: how long a tag is served without asking the remote: 5m, 1h, 90s',
        readAge,
      )
      .option('--no-tag-ttl', 'serve tags as long as they are stored; syncs move them')
      .option(
        '--not-found-ttl <time>',
        'with --pull-through: how long a 404 of the remote is remembered (default: 60s)',
        readAge,
      )
      .option('--signature-policy <name>', "signature policy that images must satisfy; '' for none"),
  read: async (client, options) => ({
    private: options.private === true ? true : options.public === true ? false : undefined,
    pullThrough: options.pullThrough,
    tagTtlSeconds: options.tagTtl === false ? null : options.tagTtl,
    notFoundTtlSeconds: options.notFoundTtl,
    signaturePolicyId: await idOf(client, 'policy', options.signaturePolicy),
  }),
};

export function addDistributions(program: Command, choose: Choose): void {
  addList<Distribution>(program, choose, {
    usage: 'distributions',
    text: 'list base paths and the repository that each serves',
    list: () => ({
      key: 'distributions',
      connection: 'distributions',
      nodes: distribution.fields,
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
    }),
  });
  addPromote(program, choose);
  const parent = program.command('distribution').description('show, create, change or delete a distribution');
  addShow<Distribution>(parent, choose, distribution, {
    text: 'show a distribution',
    lines: (one) => [
      ['base path', one.basePath],
      ['id', one.id],
      ['repository', one.repository?.name ?? null],
      ['version', one.version?.number ?? 'latest'],
      ['pulled by', pulledBy(one)],
      ['pull-through', one.pullThrough ? describeLifetimes(one) : 'no'],
      ['signature policy', one.signaturePolicy?.name ?? null],
    ],
  });
  addHistory(parent, choose);
  addCreate(parent, choose, distribution, {
    mutation: 'distributionCreate',
    usage: '<repository>',
    text: 'serve a repository at another base path',
    setUp: withVersion,
    input: (client, [, name = ''], options) => readTarget(client, name, options),
    said: ([basePath, name]) => `${basePath} serves ${name}.`,
  });
  addUpdate(parent, choose, distribution, {
    mutation: 'distributionUpdate',
    text: 'change a distribution; "promote" changes the version that it serves',
  });
  addDelete(parent, choose, distribution, {
    mutation: 'distributionDelete',
    text: 'stop serving a base path; the repository stays',
  });
}

/** A distribution that was created while logins were off is private while they are on, until somebody decides. */
function pulledBy({ private: isPrivate, accessDecided }: Distribution): string {
  if (!isPrivate) return 'anybody';
  return accessDecided ? 'readers' : 'readers (undecided: --public or --private)';
}

function describeLifetimes({ tagTtlSeconds, notFoundTtlSeconds }: Distribution): string {
  const tags = tagTtlSeconds === null ? 'stored tags stay' : `tags for ${tagTtlSeconds} s`;
  return `yes; ${tags}, misses for ${notFoundTtlSeconds} s`;
}

function withVersion(command: Command): Command {
  return command.option('--version <n>', 'version to pin (default: follow the latest)', versionNumber);
}

/** The version to pin, or the repository to follow. */
async function readTarget(
  client: Client,
  name: string,
  { version }: Target,
): Promise<Readonly<Record<string, unknown>>> {
  return version === undefined
    ? { repositoryId: (await findNamed(client.session, 'repository', name)).id }
    : { versionId: await findVersion(client, name, version.toString()) };
}

function addPromote(program: Command, choose: Choose): void {
  addClientCommand<Target & { readonly repository?: string }>(program, choose, {
    usage: 'promote <base-path>',
    text: 'point a distribution at a version, or at the latest of its repository',
    setUp: (command) =>
      withVersion(command)
        .option('--repository <name>', 'repository to serve; creates the distribution where there is none')
        .addHelpText(
          'after',
          '\nExamples:\n  $ tidemark promote prod/nginx --version 7\n  $ tidemark promote prod/nginx --version 6     roll back\n  $ tidemark promote prod/nginx                 follow the latest\n' +
            '  $ tidemark promote prod/nginx --repository nginx --version 7     serve it at a new base path',
        ),
    run: async (client, [basePath = ''], { repository, ...target }) => {
      const present = await findPresent(client, basePath, repository);
      const name = repository ?? present?.repository?.name ?? '';
      const [mutation, which] =
        present === undefined
          ? (['distributionCreate', { basePath }] as const)
          : (['distributionPoint', { id: present.id }] as const);
      const pointed = await mutate<object>(client.session, mutation, {
        field: 'distribution',
        fields: distribution.fields,
        input: { ...which, ...(await readTarget(client, name, target)) },
      });
      const what = target.version === undefined ? 'the latest version' : `version ${target.version}`;
      return printDone(client, { distribution: pointed }, `${basePath} serves ${what} of ${name}.`);
    },
  });
}

/** The distribution to promote; undefined where there is none, and a repository is given to serve there. */
async function findPresent(
  { session }: Client,
  basePath: string,
  repository: string | undefined,
): Promise<Distribution | undefined> {
  const { fields } = distribution;
  if (repository !== undefined) return findIfThere<Distribution>(session, 'distribution', basePath, fields);
  const advice = ' With --repository <name>, promote creates it.';
  return findNamed<Distribution>(session, 'distribution', basePath, fields, advice);
}

function addHistory(parent: Command, choose: Choose): void {
  addList<Move>(parent, choose, {
    usage: 'history <base-path>',
    text: 'list the targets of a distribution, newest first',
    list: async ({ session }, [basePath = '']) => ({
      key: 'moves',
      connection: 'moves',
      within: ['distribution(id: $id)'],
      variables: { id: ['ID!', (await findNamed(session, 'distribution', basePath)).id] },
      nodes: 'movedAt fromRepository { name } fromVersionNumber toRepository { name } toVersionNumber',
      noun: 'move',
      columns: ['WHEN', 'FROM', 'TO'],
      row: (move) => [
        localTime(move.movedAt),
        describeTarget(move.fromRepository, move.fromVersionNumber),
        describeTarget(move.toRepository, move.toVersionNumber),
      ],
      none: `The target of ${basePath} has never changed.`,
    }),
  });
}

function describeTarget(repository: { readonly name: string } | null, version: number | null): string | null {
  if (repository === null) return null;
  return `${repository.name} ${version === null ? 'latest' : `version ${version}`}`;
}
