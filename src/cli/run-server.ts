import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { TidemarkError } from '../oci/error.ts';
import type { Role } from '../processes/server.ts';
import { findRunningServer } from '../processes/server-file.ts';
import type { Surroundings } from './surroundings.ts';
import { formatBox } from './progress/format.ts';
import { bringUp } from './session.ts';
import type { Terminal } from './progress/terminal.ts';

/** `tidemark start`: everything in this process until a signal comes. @returns the exit code. */
export async function startCommand({ config, terminal, interrupt }: Surroundings): Promise<number> {
  const running = await findRunningServer(config.dataDir);
  if (running !== undefined)
    throw new TidemarkError(
      'ALREADY_RUNNING',
      `Tidemark already runs (pid ${running.pid}) on ${config.dataDir}, at ${running.apiUrl}/graphql` +
        `${running.temporalUiUrl === undefined ? '' : `; Temporal UI at ${running.temporalUiUrl}`}. ` +
        'Use that one, or set TIDEMARK_DATA and TIDEMARK_PORT for a second.',
      { origin: 'caller' },
    );
  const note = terminal.print;
  const server = await bringUp(config, { note, signal: interrupt.signal });
  const lines = [
    ...addressLines(server),
    `Data         ${config.dataDir}`,
    '',
    'In another terminal:  npm start -- sync nginx:1.27',
    'Stop with Ctrl-C.',
  ];
  for (const line of terminal.isPretty
    ? formatBox(['Tidemark is ready', '', ...lines])
    : ['Tidemark is ready', ...lines])
    terminal.print(line);
  try {
    await Promise.race([server.stopped, interrupt.received]);
  } finally {
    terminal.print('Stopping: work in flight is handed back, then the servers are stopped …');
    await server.stop();
  }
  terminal.print('Stopped.');
  return 0;
}

/** Where a person goes on from here. */
export function addressLines({
  apiUrl,
  temporalUiUrl,
}: {
  apiUrl: string;
  temporalUiUrl: string | undefined;
}): string[] {
  return [
    `GraphQL      ${apiUrl}/graphql`,
    `Console      ${apiUrl}/`,
    ...(temporalUiUrl === undefined ? [] : [`Temporal UI  ${temporalUiUrl}`]),
  ];
}

/** `tidemark serve`, `api` and `worker`: against a database and a Temporal server that are there, logs in JSON. */
export async function rolesCommand(
  { config, interrupt }: Surroundings,
  { name, roles }: { readonly name: string; readonly roles: readonly Role[] },
): Promise<number> {
  requireSettings(name, { DATABASE_URL: config.databaseUrl, TEMPORAL_ADDRESS: config.temporalAddress });
  const [{ startServer }, { createLogger }] = await Promise.all([
    import('../processes/server.ts'),
    import('../processes/logger.ts'),
  ]);
  const logger = createLogger(config.logLevel);
  const server = await startServer(config, {
    roles,
    log: (message) => logger.info(message),
    logger,
    signal: interrupt.signal,
  });
  try {
    await Promise.race([server.stopped, interrupt.received]);
  } finally {
    logger.info('stopping');
    await server.stop();
  }
  logger.info('stopped');
  return 0;
}

function requireSettings(name: string, settings: Readonly<Record<string, string | undefined>>): void {
  const missing = Object.keys(settings).filter((setting) => settings[setting] === undefined);
  if (missing.length === 0) return;
  const hint =
    name === 'migrate'
      ? '"tidemark start" migrates its own database by itself.'
      : 'To try Tidemark out, run "tidemark start": it brings its own.';
  throw new TidemarkError(
    'CONFIG_INVALID',
    `tidemark ${name} needs ${missing.join(' and ')} in the environment. ${hint}`,
    { origin: 'caller' },
  );
}

/** `tidemark migrate`. */
export async function migrateCommand({ config, terminal }: Surroundings): Promise<number> {
  requireSettings('migrate', { DATABASE_URL: config.databaseUrl });
  const { migrateDatabase, openDatabase } = await import('../db/open-database.ts');
  const database = await openDatabase({ url: config.databaseUrl ?? '', poolSize: 2 });
  try {
    const pending = await database.migrator.getPending();
    await migrateDatabase(database);
    for (const { name } of pending) terminal.print(`Applied ${name}.`);
    terminal.print(
      pending.length === 0 ? 'The database is up to date; nothing to do.' : 'The database is up to date.',
    );
  } finally {
    await database.close();
  }
  const { temporalAddress, temporalNamespace: namespace } = config;
  if (temporalAddress === undefined) {
    terminal.print("TEMPORAL_ADDRESS is not set; Temporal's search attributes were not looked at.");
    return 0;
  }
  const [{ Connection }, { temporalOptions }, { registerSearchAttributes }] = await Promise.all([
    import('@temporalio/client'),
    import('../processes/temporal/temporal-options.ts'),
    import('../processes/temporal/register-search-attributes.ts'),
  ]);
  const connection = Connection.lazy(temporalOptions({ config, servers: { temporalAddress } }));
  try {
    await registerSearchAttributes({ connection, namespace, print: terminal.print });
  } finally {
    await connection.close();
  }
  return 0;
}

/** `tidemark schema`. */
export async function schemaCommand(write: boolean, terminal: Terminal): Promise<number> {
  const { emitSchema, printContractSchema } = await import('../api/graphql/build-schema.ts');
  if (write) {
    const { printFileSchema } = await import('../api/graphql/configuration/file-schema.ts');
    await emitSchema(inSchemaFolder('schema.graphql'));
    await writeFile(inSchemaFolder('tidemark.schema.json'), printFileSchema());
    terminal.print('Wrote schema/schema.graphql and schema/tidemark.schema.json.');
  } else terminal.print(printContractSchema().trimEnd());
  return 0;
}

function inSchemaFolder(name: string): string {
  return fileURLToPath(new URL(`../../schema/${name}`, import.meta.url));
}
