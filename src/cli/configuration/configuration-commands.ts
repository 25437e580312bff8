import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { addClientCommand, collect } from '../command.ts';
import type { Choose, Client } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import type { UserError } from '../graphql-client.ts';
import { usage } from '../usage.ts';
import { printJson } from '../commands/print.ts';

interface FileOptions {
  readonly file?: readonly string[];
  readonly prune?: boolean;
  readonly allowClearSecrets?: boolean;
}

interface Change {
  readonly action: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly kind: string;
  readonly name: string;
  readonly isApplied: boolean;
  readonly fields: readonly {
    readonly field: string;
    readonly from: unknown;
    readonly to: unknown;
    readonly isSecret: boolean;
  }[];
}

interface Payload {
  readonly changes: readonly Change[];
  readonly userErrors: readonly UserError[];
}

const applyMutation = `mutation ($input: ConfigurationApplyInput!) { configurationApply(input: $input) {
  changes { action kind name isApplied fields { field from to isSecret } } userErrors { code field message } } }`;

/** `tidemark plan`, `tidemark apply` and `tidemark export-config`. */
export function addConfiguration(program: Command, choose: Choose): void {
  addClientCommand<FileOptions>(program, choose, {
    usage: 'plan',
    text: 'show what applying tidemark.yaml would change',
    reads: true,
    setUp: withFiles,
    run: (client, _, options) => applyFiles(client, options, true),
  });
  addClientCommand<FileOptions>(program, choose, {
    usage: 'apply',
    text: 'make the server as tidemark.yaml says; can be repeated',
    setUp: withFiles,
    run: (client, _, options) => applyFiles(client, options, false),
  });
  addClientCommand<{ readonly output?: string; readonly name: string }>(program, choose, {
    usage: 'export-config',
    text: 'write the running state as tidemark.yaml, without secrets',
    reads: true,
    setUp: (command) =>
      command
        .option('-o, --output <path>', 'file to write (default: standard output)')
        .option('--name <name>', 'the name of the configuration', 'exported'),
    run: exportConfiguration,
  });
}

function withFiles(command: Command): void {
  command
    .option(
      '-f, --file <path>',
      'file, or folder of *.yaml; can be repeated (default: tidemark.yaml)',
      collect,
    )
    .option('--prune', 'also delete what an earlier apply of the same name has created and the files lack')
    .option('--allow-clear-secrets', 'accept passwords and keys that stand in the files themselves');
}

async function applyFiles(client: Client, options: FileOptions, dryRun: boolean): Promise<number> {
  const { readConfiguration } = await import('../../estate/read-configuration.ts');
  const { FileMistakes } = await import('../../estate/file-mistake.ts');
  const files = options.file ?? ['tidemark.yaml'];
  const { configuration, locate } = await readConfiguration(files, {
    environment: process.env,
    allowClearSecrets: options.allowClearSecrets ?? false,
  }).catch((error: unknown) => {
    throw error instanceof FileMistakes ? usage(error.message, error) : error;
  });
  const input = { configuration, prune: options.prune ?? false, dryRun };
  const answer = await client.session.request<{ configurationApply: Payload }>(applyMutation, { input });
  const { changes, userErrors } = answer.configurationApply;
  const errors = userErrors.map(({ code, field, message }) => ({
    code,
    // the first part is `configuration`
    place: (field?.length ?? 0) > 1 ? locate((field ?? []).slice(1)) : null,
    message,
  }));
  if (client.json) printJson(client, { changes, errors });
  else {
    for (const change of changes) print(client, change);
    for (const { place, message } of errors)
      client.terminal.note(place === null ? message : `${place}: ${message}`);
    client.terminal.print(summarize(changes, errors.length, dryRun));
  }
  return errors.length > 0 ? exitCodes.failed : exitCodes.done;
}

const signs = { CREATE: '+', UPDATE: '~', DELETE: '-' } as const;

function print({ terminal }: Client, { action, kind, name, fields }: Change): void {
  terminal.print(`${signs[action]} ${kind.toLowerCase().replace('_', ' ')} ${name}`);
  for (const { field, from, to, isSecret } of fields) {
    const values = isSecret
      ? '(secret)'
      : action === 'CREATE'
        ? JSON.stringify(to)
        : `${JSON.stringify(from)} → ${JSON.stringify(to)}`;
    terminal.print(`    ${field}: ${values}`);
  }
}

function summarize(changes: readonly Change[], errors: number, dryRun: boolean): string {
  const count = (action: Change['action']) => changes.filter((change) => change.action === action).length;
  const counts = `${count('CREATE')} to create, ${count('UPDATE')} to change, ${count('DELETE')} to delete`;
  const made = changes.filter(({ isApplied }) => isApplied).length;
  if (errors > 0)
    return `${counts}; ${made} of ${changes.length} changes made, because of the mistakes above.`;
  if (changes.length === 0) return 'The server is as the configuration says; nothing to do.';
  return dryRun ? `${counts}. "tidemark apply" makes these changes.` : `${made} changes made.`;
}

interface Exported {
  readonly name: string;
  readonly value: object;
  readonly secrets: readonly string[];
}

async function exportConfiguration(
  client: Client,
  _: readonly string[],
  { output, name }: { readonly output?: string; readonly name: string },
): Promise<number> {
  const { exportSections, writeConfiguration } = await import('../../estate/write-configuration.ts');
  const { readList } = await import('../api-calls.ts');
  const state: Record<string, readonly Exported[]> = {};
  for (const [section, kind] of exportSections) {
    const document = { connection: 'configuration', filter: `section: ${kind}`, nodes: 'name value secrets' };
    const found = await readList<Exported>(client.session, document, { all: true });
    state[section] = found?.nodes ?? [];
  }
  if (client.json) printJson(client, { name, ...state });
  else if (output === undefined) client.terminal.print(writeConfiguration(name, state).trimEnd());
  else await writeFile(output, writeConfiguration(name, state));
  return exitCodes.done;
}
