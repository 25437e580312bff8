import { access } from 'node:fs/promises';
import { isScope } from '../access/scope.ts';
import { postgresFolder } from '../config.ts';
import type { Config } from '../config.ts';
import { roles } from '../db/access/roles.ts';
import type { Role } from '../db/access/roles.ts';
import { TidemarkError } from '../oci/error.ts';
import type { Surroundings } from './surroundings.ts';
import { usage } from './usage.ts';

/** What `tidemark token create` was asked for. */
export interface TokenRequest {
  readonly name: string;
  readonly role: Role;
  readonly scope: string;
  readonly expiresInDays: number;
}

export interface TokenOptions {
  readonly admin?: boolean;
  readonly role?: string;
  readonly scope?: string;
  readonly expiresInDays: number;
}

/** @throws TidemarkError (origin caller) for what cannot be used. */
export function parseTokenRequest(name: string, options: TokenOptions): TokenRequest {
  const { admin = false, expiresInDays, scope = '*' } = options;
  if (admin === (options.role !== undefined))
    throw usage('Give --admin, or --role <role> with --scope <scope>.');
  const role = roles.find((one) => one === (admin ? 'admin' : options.role));
  if (role === undefined)
    throw usage(`--role is ${JSON.stringify(options.role)}; expected one of ${roles.join(', ')}.`);
  if (!isScope(scope))
    throw usage(
      `--scope is ${JSON.stringify(scope)}; expected "*", a repository's name, or the beginning of names as "team/*".`,
    );
  if (!/^[^\p{C}]{1,255}$/u.test(name) || name.trim() !== name)
    throw usage(
      'The name of the token is invalid. Expected 1 to 255 visible characters, without blanks at the ends.',
    );
  return { name, role, scope, expiresInDays };
}

/**
 * `tidemark token create`: for the first token, which no other can ask for, straight in the database that the server uses. It is
 * written to standard output, and nowhere else. @returns the exit code.
 */
export async function tokenCommand(
  { config, terminal, interrupt }: Surroundings,
  request: TokenRequest,
): Promise<number> {
  const [{ startDatabase }, { checkSchema, migrateDatabase, openDatabase }, { createToken }] =
    await Promise.all([
      import('../embedded/start-embedded.ts'),
      import('../db/open-database.ts'),
      import('../access/token.ts'),
    ]);
  await checkPlace(config);
  const server = await startDatabase(config, terminal.note, interrupt.signal);
  try {
    const database = await openDatabase({ url: server.url, poolSize: 2 });
    try {
      // as the server does: its own database is brought up to date, one that others share is not
      await (config.databaseUrl === undefined ? migrateDatabase : checkSchema)(database);
      const { name, role, scope, expiresInDays } = request;
      const grants = [{ role, scope }];
      const made = await createToken(database.em.fork(), { name, expiresInDays, grants });
      if (made === undefined)
        throw new TidemarkError(
          'ALREADY_EXISTS',
          `There is a valid token named ${JSON.stringify(name)}. Choose another name, or revoke that token.`,
          { origin: 'caller' },
        );
      terminal.note(
        `The token ${JSON.stringify(name)}, ${role} of "${scope}" for ${expiresInDays} days. It is shown this once:`,
      );
      terminal.print(made.text);
      if (config.logins?.tokens !== true)
        terminal.note('A server asks for it when it is started with TIDEMARK_AUTH=tokens.');
    } finally {
      await database.close();
    }
  } finally {
    await server.stop();
  }
  return 0;
}

/** A server that is named elsewhere has its database elsewhere, too: a token in a new one here would be of no use. */
async function checkPlace({ dataDir, databaseUrl, serverUrl }: Config): Promise<void> {
  if (serverUrl === undefined || databaseUrl !== undefined) return;
  const isThere = await access(postgresFolder(dataDir)).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  throw usage(
    `TIDEMARK_SERVER names ${serverUrl}, and there is no database in ${dataDir}. Run this on the server's machine, with its TIDEMARK_DATA or ` +
      'DATABASE_URL; or create the token through the API, with tokenCreate.',
  );
}
