import type { Command } from 'commander';
import { TidemarkError } from '../../oci/error.ts';
import { addClientCommand } from '../command.ts';
import type { Choose, Client } from '../command.ts';
import { followTask } from '../progress/follow-task.ts';
import { countOf } from '../../oci/count-of.ts';
import { formatBytes } from '../progress/format.ts';
import { checkUserErrors } from '../graphql-client.ts';
import type { UserError } from '../graphql-client.ts';
import { describeError } from '../words.ts';
import { printJson } from './print.ts';

interface Report {
  readonly versions: number;
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
  readonly files: number;
  readonly missing: number;
  readonly damaged: number;
  readonly graceSeconds: number | null;
}

interface Started {
  readonly task: { readonly id: string } | null;
  readonly userErrors: readonly UserError[];
}

const collectMutation = `mutation ($dryRun: Boolean!) { started: contentCollect(input: { dryRun: $dryRun }) {
  task { id } userErrors { code field message } } }`;
const verifyMutation =
  'mutation { started: contentVerify { task { id } userErrors { code field message } } }';
const reportQuery = `query ($id: ID!) { task(id: $id) { report { versions manifests blobs bytes files missing damaged graceSeconds } } }`;
const rotateMutation = 'mutation { secretsRotate { resealed unreadable } }';

export function addUpkeep(program: Command, choose: Choose): void {
  addClientCommand<{ readonly dryRun?: boolean }>(program, choose, {
    usage: 'gc',
    text: 'clean up: versions beyond the kept ones, and content that nothing reaches any more',
    setUp: (command) =>
      command
        .option('--dry-run', 'only show what would be removed now')
        .addHelpText(
          'after',
          '\nThe server does this once a day by itself. Content goes once nothing has used it for the grace period (TIDEMARK_GC_GRACE, 24 h\n' +
            'by default), old versions beyond what "tidemark repository update --retain-versions" keeps.',
        ),
    run: (client, _, { dryRun = false }) => collect(client, dryRun),
  });
  addClientCommand(program, choose, {
    usage: 'verify',
    text: 'read and hash everything that is stored; remove what is damaged',
    setUp: (command) =>
      command.addHelpText(
        'after',
        '\nDamaged blobs and manifests are removed, and missing ones noted: both are answered 404 until the next sync or push of a\n' +
          'repository that holds them stores them again. Exit code 1: something was missing or damaged.',
      ),
    run: (client) => verify(client),
  });
  addClientCommand(program, choose, {
    usage: 'rotate-key',
    text: 'encrypt the stored secrets with the first of several keys',
    setUp: (command) =>
      command.addHelpText(
        'after',
        '\nFirst start every process with the new key before the old one (TIDEMARK_SECRET_KEY=new,old).',
      ),
    run: (client) => rotateKey(client),
  });
}

/** `tidemark gc` */
async function collect(command: Client, dryRun: boolean): Promise<number> {
  return runTask(command, collectMutation, { dryRun }, (report) => {
    const what = [
      countOf(report.versions, 'version'),
      countOf(report.manifests, 'manifest'),
      countOf(report.blobs, 'blob'),
      countOf(report.files, 'unknown file'),
    ].join(', ');
    const removed = report.versions + report.manifests + report.blobs + report.files;
    if (removed === 0)
      return `Nothing to remove. Content goes once nothing has used it for the grace period${graceOf(report)} (TIDEMARK_GC_GRACE).`;
    return `${dryRun ? 'Would remove' : 'Removed'} ${what}: ${formatBytes(report.bytes)}.`;
  });
}

/** `, 24 h,`: as the worker has it, whatever this shell's settings say. */
function graceOf({ graceSeconds }: Report): string {
  if (graceSeconds === null) return '';
  const [unit, size] = graceSeconds % 3_600 === 0 ? (['h', 3_600] as const) : (['s', 1] as const);
  return `, ${graceSeconds / size} ${unit}`;
}

/** `tidemark verify`; 1 where something was wrong. */
async function verify(command: Client): Promise<number> {
  let isWhole = true;
  const code = await runTask(command, verifyMutation, {}, (report) => {
    isWhole = report.missing + report.damaged === 0;
    const looked = `${countOf(report.manifests, 'manifest')} and ${countOf(report.blobs, 'blob')} (${formatBytes(report.bytes)})`;
    if (isWhole) return `All is well: ${looked}.`;
    return (
      `Of ${looked}, ${report.missing} ${report.missing === 1 ? 'is' : 'are'} missing, and ${report.damaged} ` +
      `${report.damaged === 1 ? 'was' : 'were'} damaged and removed. ` +
      'Sync the repositories that hold them again, or push them.'
    );
  });
  return isWhole ? code : 1;
}

/** `tidemark rotate-key`; 1 where a secret could not be opened. */
async function rotateKey({ session, terminal, json }: Client): Promise<number> {
  const { secretsRotate } = await session.request<{
    secretsRotate: { resealed: number; unreadable: readonly string[] };
  }>(rotateMutation);
  const { resealed, unreadable } = secretsRotate;
  if (json) printJson({ terminal }, secretsRotate);
  else {
    terminal.print(`${countOf(resealed, 'secret')} encrypted with the first key.`);
    if (unreadable.length === 0) terminal.print('No other key is needed any more.');
    else terminal.note(`These could not be opened; set them anew: ${unreadable.join(', ')}`);
  }
  return unreadable.length === 0 ? 0 : 1;
}

async function runTask(
  { session, terminal, json }: Client,
  mutation: string,
  variables: Readonly<Record<string, unknown>>,
  describe: (report: Report) => string,
): Promise<number> {
  const { started } = await session.request<{ started: Started }>(mutation, variables);
  checkUserErrors(started.userErrors);
  if (started.task === null)
    throw new TidemarkError('INTERNAL_ERROR', 'Nothing was started.', { origin: 'server' });
  const { id } = started.task;
  const task = await followTask(session, id, () => undefined);
  const { task: read } = await session.request<{ task: { report: Report } | null }>(reportQuery, { id });
  const report = read?.report;
  const isDone = task.state === 'COMPLETED' && report !== undefined;
  const line = report === undefined ? '' : describe(report);
  if (json) printJson({ terminal }, { task, report, error: task.error });
  else if (isDone) terminal.print(line);
  else terminal.note(task.error === null ? `The task ended ${task.state}.` : describeError(task.error));
  return isDone ? 0 : 1;
}
