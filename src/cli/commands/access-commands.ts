import type { Command } from 'commander';
import { closeTo, mutate, notFound, readList } from '../api-calls.ts';
import { addClientCommand, addCommand, wholeNumber } from '../command.ts';
import type { Choose, Client } from '../command.ts';
import { parseTokenRequest, tokenCommand } from '../create-token.ts';
import type { TokenOptions } from '../create-token.ts';
import { addList } from './list-command.ts';
import { localTime, printDone } from './print.ts';
import { deleteThing } from './thing-commands.ts';

interface Token {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
}

interface Grant {
  readonly id: string;
  readonly role: string;
  readonly scope: string;
  readonly oidcGroup: string | null;
  readonly oidcSubject: string | null;
  readonly token: { readonly id: string; readonly name: string } | null;
}

const grantFields = 'id role scope oidcGroup oidcSubject token { id name }';

const tokens = { connection: 'tokens', nodes: 'id name createdAt expiresAt revokedAt' };

const allGrants = { connection: 'grants', nodes: grantFields };

function rolesOf(token: Token, grants: readonly Grant[]): string {
  const own = grants.filter((grant) => grant.token?.id === token.id);
  return own.map(({ role, scope }) => `${role.toLowerCase()} of ${scope}`).join(', ');
}

/** Tokens and grants, for administrators. */
export function addAccess(program: Command, choose: Choose): void {
  const token = program.command('token').description('create or revoke a token to log in with');
  addTokenCreate(token, choose);
  addList<Token>(program, choose, {
    usage: 'tokens',
    text: 'list tokens; their secrets are not stored',
    list: async ({ session }) => {
      const { nodes: grants = [] } = (await readList<Grant>(session, allGrants, { all: true })) ?? {};
      return {
        ...tokens,
        key: 'tokens',
        noun: 'token',
        columns: ['TOKEN', 'ROLES', 'CREATED', 'EXPIRES', 'REVOKED'],
        row: (one) => [
          one.name,
          rolesOf(one, grants),
          localTime(one.createdAt),
          localTime(one.expiresAt),
          localTime(one.revokedAt),
        ],
        none: 'There are no tokens.',
      };
    },
  });
  addClientCommand(token, choose, {
    usage: 'revoke <token>',
    text: 'revoke a token; it stops working at the next request',
    run: async (client, [name = '']) => {
      const id = await findToken(client, name);
      const revoked = await mutate<Token>(client.session, 'tokenRevoke', {
        field: 'token',
        fields: 'id name revokedAt',
        input: { id },
      });
      return printDone(client, { token: revoked }, `Revoked the token ${revoked.name}.`);
    },
  });
  addGrants(program, choose);
}

function addTokenCreate(token: Command, choose: Choose): void {
  addCommand(token, choose, {
    usage: 'create',
    text: "create a token on the server's machine, directly in its database, and print it once",
    setUp: (command) =>
      command
        .argument('<name>', 'the person or program that logs in with it')
        .option('--admin', 'the role admin for everything; for the first token')
        .option('--role <role>', 'reader, pusher, maintainer or admin')
        .option('--scope <scope>', '"*", "team/*" or the name of a repository', '*')
        .option('--expires-in-days <n>', 'lifetime in days', wholeNumber(1, 3_650), 90)
        .addHelpText(
          'after',
          "\nThe database is that of DATABASE_URL, else that of the data folder (TIDEMARK_DATA, ./data): use the server's own settings.\n" +
            '\nExamples:\n  $ tidemark token create ops --admin > ops.token\n' +
            "  $ tidemark token create ci --role pusher --scope 'team/*' > ci.token",
        ),
    read: ([name = ''], options: TokenOptions) => parseTokenRequest(name, options),
    run: (surroundings, request) => tokenCommand(surroundings, request),
  });
}

/** A name stands for the token of this name that still works; names of revoked tokens may be used again. */
async function findToken(client: Client, nameOrId: string): Promise<string> {
  const { nodes = [] } = (await readList<Token>(client.session, tokens, { all: true })) ?? {};
  const found =
    nodes.find(({ name, revokedAt }) => name === nameOrId && revokedAt === null) ??
    nodes.find(({ id, name }) => id === nameOrId || name === nameOrId);
  if (found !== undefined) return found.id;
  const hint = closeTo(
    nameOrId,
    nodes.map(({ name }) => name),
  );
  throw notFound(`There is no token ${JSON.stringify(nameOrId)}${hint} "tidemark tokens" lists them.`);
}

function addGrants(program: Command, choose: Choose): void {
  addList<Grant>(program, choose, {
    usage: 'grants',
    text: 'list grants: the role and scope of each token, group and subject',
    list: () => ({
      key: 'grants',
      ...allGrants,
      noun: 'grant',
      columns: ['GRANT', 'ROLE', 'SCOPE', 'HOLDER'],
      row: (one) => [one.id, one.role.toLowerCase(), one.scope, holder(one)],
      none: 'There are no grants.',
    }),
  });
  const parent = program.command('grant').description('give a role, or take it back');
  addClientCommand<{ readonly token?: string; readonly group?: string; readonly subject?: string }>(
    parent,
    choose,
    {
      usage: 'create <role> <scope>',
      text: 'give a role in a scope: "*", "team/*" or one name',
      setUp: (command) =>
        command
          .option('--token <name>', 'to this token')
          .option('--group <name>', 'to this group of the OIDC issuer')
          .option('--subject <name>', 'to this subject of the OIDC issuer'),
      run: async (client, [role = '', scope = ''], { token, group, subject }) => {
        const input = {
          role: role.toUpperCase(),
          scope,
          ...(token === undefined ? {} : { tokenId: await findToken(client, token) }),
          ...(group === undefined ? {} : { oidcGroup: group }),
          ...(subject === undefined ? {} : { oidcSubject: subject }),
        };
        const grant = await mutate<Grant>(client.session, 'grantCreate', {
          field: 'grant',
          fields: grantFields,
          input,
        });
        return printDone(
          client,
          { grant },
          `${holder(grant)} is ${role.toLowerCase()} of ${scope} (grant ${grant.id}).`,
        );
      },
    },
  );
  addClientCommand(parent, choose, {
    usage: 'delete <grant>',
    text: 'take a role back; it ends at the next request',
    run: (client, [id = '']) => deleteThing(client, 'grantDelete', { id }, `Deleted the grant ${id}.`),
  });
}

function holder({ token, oidcGroup, oidcSubject }: Grant): string {
  if (token !== null) return `token ${token.name}`;
  return oidcGroup === null ? `subject ${oidcSubject ?? ''}` : `group ${oidcGroup}`;
}
