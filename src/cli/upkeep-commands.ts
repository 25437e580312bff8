import { TidemarkError } from '../oci/error.ts';
import { followTask } from './follow-task.ts';
import { countOf, formatBytes } from './format.ts';
import { checkUserErrors } from './graphql-client.ts';
import type { UserError } from './graphql-client.ts';
import type { ListCommand } from './list-commands.ts';

interface Report {
  readonly versions: number;
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
  readonly files: number;
  readonly missing: number;
  readonly damaged: number;
}

interface Started {
  readonly task: { readonly id: string } | null;
  readonly userErrors: readonly UserError[];
}

const collectMutation = `mutation ($dryRun: Boolean!) { started: contentCollect(input: { dryRun: $dryRun }) {
  task { id } userErrors { code field message } } }`;
const verifyMutation =
  'mutation { started: contentVerify { task { id } userErrors { code field message } } }';
const reportQuery = `query ($id: ID!) { task(id: $id) { report { versions manifests blobs bytes files missing damaged } } }`;
const rotateMutation = 'mutation { secretsRotate { resealed unreadable } }';

/** `tidemark gc` */
export async function collectCommand(command: ListCommand, dryRun: boolean): Promise<number> {
  return runTask(command, collectMutation, { dryRun }, (report) => {
    const what = [
      countOf(report.versions, 'version'),
      countOf(report.manifests, 'manifest'),
      countOf(report.blobs, 'blob'),
      `${countOf(report.files, 'file')} that nothing knew of`,
    ].join(', ');
    return `${dryRun ? 'Would remove' : 'Removed'} ${what}: ${formatBytes(report.bytes)}.`;
  });
}

/** `tidemark verify`; 1 where something was wrong. */
export async function verifyCommand(command: ListCommand): Promise<number> {
  let isWhole = true;
  const code = await runTask(command, verifyMutation, {}, (report) => {
    isWhole = report.missing + report.damaged === 0;
    const looked = `${countOf(report.manifests, 'manifest')} and ${countOf(report.blobs, 'blob')} (${formatBytes(report.bytes)})`;
    if (isWhole) return `All is well: ${looked}.`;
    return (
      `Of ${looked}, ${report.missing} are missing and ${report.damaged} were damaged, and removed. ` +
      'Sync the repositories that hold them again, or push them.'
    );
  });
  return isWhole ? code : 1;
}

/** `tidemark rotate-key`; 1 where a secret could not be opened. */
export async function rotateKeyCommand({ session, terminal, json }: ListCommand): Promise<number> {
  const { secretsRotate } = await session.request<{
    secretsRotate: { resealed: number; unreadable: readonly string[] };
  }>(rotateMutation);
  const { resealed, unreadable } = secretsRotate;
  if (json) terminal.print(JSON.stringify(secretsRotate));
  else {
    terminal.print(`${countOf(resealed, 'secret')} encrypted with the first key.`);
    if (unreadable.length === 0) terminal.print('No other key is needed any more.');
    else terminal.note(`These could not be opened; set them anew: ${unreadable.join(', ')}`);
  }
  return unreadable.length === 0 ? 0 : 1;
}

async function runTask(
  { session, terminal, json }: ListCommand,
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
  if (json) terminal.print(JSON.stringify({ task, report, error: task.error }));
  else if (isDone) terminal.print(line);
  else
    terminal.note(
      task.error === null ? `It was ${task.state}.` : `${task.error.code}: ${task.error.message}`,
    );
  return isDone ? 0 : 1;
}
