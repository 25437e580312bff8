import type { Command } from 'commander';
import { closeTo, mutate, notFound, readList } from '../api-calls.ts';
import { addClientCommand } from '../client-command.ts';
import type { ChooseClient, Client } from '../client-command.ts';
import { withListOptions } from '../list-options.ts';
import type { ListGiven } from '../list-options.ts';
import { deleteThing } from './delete-thing.ts';
import { localTime, printDone, printTable } from './print.ts';

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
  readonly token: { readonly name: string } | null;
}

const grantFields = 'id role scope oidcGroup oidcSubject token { id name }';

function readTokens(client: Client, wish: ListGiven) {
  const document = {
    head: '',
    body: (selection: string) => `list: tokens(first: $first, after: $after) ${selection}`,
    nodes: 'id name createdAt expiresAt revokedAt',
  };
  return readList<Token>(client.session, document, wish);
}

/** Tokens and grants, by whoever is logged in as an administrator. @param token The command that holds `create`. */
export function addAccess(program: Command, token: Command, choose: ChooseClient): void {
  addClientCommand<ListGiven>(program, choose, {
    usage: 'tokens',
    text: 'list tokens; their secrets are stored nowhere',
    reads: true,
    setUp: withListOptions,
    run: async (client, _, wish) =>
      printTable(client, 'tokens', (await readTokens(client, wish)) ?? { totalCount: 0, nodes: [] }, {
        noun: 'token',
        columns: ['TOKEN', 'CREATED', 'EXPIRES', 'REVOKED'],
        row: (one) => [
          one.name,
          localTime(one.createdAt),
          localTime(one.expiresAt),
          localTime(one.revokedAt),
        ],
        none: 'There are no tokens.',
      }),
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

/** A name stands for the token of this name that still works; names of revoked tokens may be used again. */
async function findToken(client: Client, nameOrId: string): Promise<string> {
  const tokens = (await readTokens(client, { first: 0, all: true }))?.nodes ?? [];
  const found =
    tokens.find(({ name, revokedAt }) => name === nameOrId && revokedAt === null) ??
    tokens.find(({ id, name }) => id === nameOrId || name === nameOrId);
  if (found !== undefined) return found.id;
  const hint = closeTo(
    nameOrId,
    tokens.map(({ name }) => name),
  );
  throw notFound(`There is no token ${JSON.stringify(nameOrId)}${hint} "tidemark tokens" lists them.`);
}

function addGrants(program: Command, choose: ChooseClient): void {
  addClientCommand<ListGiven>(program, choose, {
    usage: 'grants',
    text: 'list who has which role where',
    reads: true,
    setUp: withListOptions,
    run: async (client, _, wish) => {
      const document = {
        head: '',
        body: (selection: string) => `list: grants(first: $first, after: $after) ${selection}`,
        nodes: grantFields,
      };
      const grants = await readList<Grant>(client.session, document, wish);
      return printTable(client, 'grants', grants ?? { totalCount: 0, nodes: [] }, {
        noun: 'grant',
        columns: ['GRANT', 'ROLE', 'SCOPE', 'HOLDER'],
        row: (one) => [one.id, one.role.toLowerCase(), one.scope, holder(one)],
        none: 'There are no grants.',
      });
    },
  });
  const parent = program.command('grant').description('give a role, or take it back');
  addClientCommand<{ readonly token?: string; readonly group?: string; readonly subject?: string }>(
    parent,
    choose,
    {
      usage: 'create <role> <scope>',
      text: 'give a role in a scope: "*", "team/*" or one name',
      setUp: (command) =>
        void command
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
    run: async (client, [id = '']) => {
      return deleteThing(client, 'grantDelete', { id }, `Deleted the grant ${id}.`);
    },
  });
}

function holder({ token, oidcGroup, oidcSubject }: Grant): string {
  if (token !== null) return `token ${token.name}`;
  return oidcGroup === null ? `subject ${oidcSubject ?? ''}` : `group ${oidcGroup}`;
}
