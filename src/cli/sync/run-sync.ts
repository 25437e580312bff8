import { isTagName } from '../../oci/tag-name.ts';
import { exitCodeOf, exitCodes } from '../exit-codes.ts';
import { mutate } from '../api-calls.ts';
import { jsonFormat } from '../commands/print.ts';
import { countOf } from '../../oci/count-of.ts';
import { followTask } from '../progress/follow-task.ts';
import { checkUserErrors } from '../graphql-client.ts';
import type { UserError } from '../graphql-client.ts';
import type { Interrupt } from '../progress/interrupt.ts';
import { showProgress } from '../progress/progress-display.ts';
import { openSession } from '../session.ts';
import type { Session } from '../session.ts';
import {
  describeEffort,
  describeOutside,
  describePlan,
  describeUpstreams,
  describeVersion,
} from '../show-version.ts';
import type { Surroundings } from '../surroundings.ts';
import { readPassword } from '../read-password.ts';
import { readRequiredKeys } from './require-signature.ts';
import type { ParsedSync, SyncRequest, SyncWish } from './sync-request.ts';
import { alreadyRunning, describeSaved, prepareTarget } from './sync-target.ts';
import type { SyncTarget } from './sync-target.ts';
import { cancelMutation, planQuery, syncMutation } from '../progress/task-queries.ts';
import type { SyncPlan, Task } from '../progress/task-queries.ts';
import type { Terminal } from '../progress/terminal.ts';
import { describeError, inOwnWords } from '../words.ts';

export interface SyncOutcome {
  readonly task: Task;
  readonly repositoryId: string;
  /** Of a dry run that completed. */
  readonly plan: SyncPlan | undefined;
}

/** `tidemark sync`. @returns the exit code. */
export async function syncCommand(
  surroundings: Surroundings,
  { request: wanted, options }: ParsedSync,
): Promise<number> {
  const { terminal, interrupt } = surroundings;
  const { note } = terminal;
  const { passwordStdin = false, requireSignature } = options;
  const request: SyncWish = {
    ...wanted,
    password: passwordStdin ? await readPassword(interrupt.signal) : undefined,
    requiredKeys: requireSignature === undefined ? undefined : await readRequiredKeys(requireSignature),
  };
  const session = await openSession(surroundings, options, { mayStart: true });
  if (!session.isOwn()) note(`Using the server that runs at ${session.apiUrl()}.`);
  try {
    const outcome = await runSync({ session, request, terminal, interrupt });
    if (options.json === true) terminal.print(JSON.stringify(toJson(outcome)));
    else reportOutcome(outcome, request.name, terminal);
    if (outcome.task.state === 'CANCELED')
      return interrupt.signal.aborted ? interrupt.exitCode() : exitCodes.failed;
    if (outcome.task.state !== 'COMPLETED' || request.dryRun) return exitCodeOf(outcome.task);
    const missing = await findMissing(session, request);
    if (missing.length === 0) return exitCodeOf(outcome.task);
    note(`Not in ${request.name}, though asked for: ${missing.join(', ')}.`);
    return exitCodes.someTagsFailed;
  } finally {
    if (session.isOwn()) note('Stopping …');
    await session.close();
  }
}

/** As many as one query may have aliases. */
const tagsAQuery = 50;

/** Tags that were asked for by name, and that the latest version lacks. */
async function findMissing(session: Session, { name, includeTags = [] }: SyncRequest): Promise<string[]> {
  const named = includeTags.filter((tag) => isTagName(tag));
  const missing: string[] = [];
  for (let from = 0; from < named.length; from += tagsAQuery) {
    const page = named.slice(from, from + tagsAQuery);
    const selection = page.map((tag, at) => `t${at}: tag(name: ${JSON.stringify(tag)}) { id }`).join(' ');
    const { repository } = await session.request<{
      repository: { latestVersion: Readonly<Record<string, object | null>> | null } | null;
    }>(`query ($name: String!) { repository(name: $name) { latestVersion { ${selection} } } }`, { name });
    missing.push(...page.filter((_, at) => repository?.latestVersion?.[`t${at}`] == null));
  }
  return missing;
}

export interface RunSyncOptions {
  readonly session: Session;
  readonly request: SyncWish;
  readonly terminal: Terminal;
  readonly interrupt: Interrupt;
}

/**
 * Prepares repository and remote, syncs, and follows the task to its end with its progress. The first interrupt cancels the task.
 * @throws TidemarkError of what the server says; InterruptedError where no task was made yet.
 */
export async function runSync({
  session,
  request,
  terminal,
  interrupt,
}: RunSyncOptions): Promise<SyncOutcome> {
  interrupt.signal.throwIfAborted();
  const target = await prepareTarget(session, request);
  interrupt.signal.throwIfAborted();
  terminal.note(`Syncing ${request.upstreamName} from ${request.url}${describeFilter(target)} …`);
  const started = await startSync(session, request, target);
  for (const line of describeSaved(target)) terminal.note(`Saved in the remote: ${line}`);
  terminal.note(`Task ${started.id}`);
  const display = showProgress(terminal);
  const cancel = (): void => {
    display.say('Cancelling the sync … (Ctrl-C again leaves at once)');
    cancelTask(session, started.id).catch((error: unknown) =>
      display.say(
        `The sync could not be cancelled: ${error instanceof Error ? error.message : String(error)}`,
      ),
    );
  };
  interrupt.signal.addEventListener('abort', cancel, { once: true });
  // an interrupt while the task was being made has no listener yet
  if (interrupt.signal.aborted) cancel();
  try {
    const task = await followTask(session, started.id, (seen) => display.update(seen));
    const plan = request.dryRun && task.state === 'COMPLETED' ? await readPlan(session, task.id) : undefined;
    return { task, repositoryId: target.repositoryId, plan };
  } finally {
    interrupt.signal.removeEventListener('abort', cancel);
    display.finish();
    if (target.isRemoteTemporary) await deleteRemote(session, target.remoteId);
  }
}

async function deleteRemote(session: Session, id: string): Promise<void> {
  await mutate(session, 'remoteDelete', { field: 'deletedId', input: { id } });
}

function describeFilter({ includeTags, excludeTags }: SyncTarget): string {
  const included = includeTags === null || includeTags.length === 0 ? '' : `, only ${includeTags.join(', ')}`;
  const excluded =
    excludeTags === null || excludeTags.length === 0 ? '' : `, without ${excludeTags.join(', ')}`;
  return included + excluded;
}

interface TaskPayload {
  readonly task: Task | null;
  readonly userErrors: readonly UserError[];
}

async function startSync(session: Session, request: SyncWish, target: SyncTarget): Promise<Task> {
  const { mirror, confirmRemoval, pruneFiltered, dryRun, intoExisting } = request;
  const { repositoryId, remoteId, overrides, isNew } = target;
  const input = {
    repositoryId,
    remoteId,
    mirror,
    confirmRemoval,
    pruneFiltered,
    dryRun,
    overrides,
    saveOverrides: request.save && Object.keys(overrides).length > 0,
    convertToMirror: intoExisting,
    discardUnlessSynced: isNew,
  };
  const { repositorySync } = await session.request<{ repositorySync: TaskPayload }>(syncMutation, { input });
  const { task, userErrors } = repositorySync;
  if (userErrors.some(({ code }) => code === 'SYNC_ALREADY_RUNNING') && task !== null)
    throw alreadyRunning(request.name, task.id);
  checkUserErrors(userErrors);
  if (task === null) throw new Error('the server answered neither a task nor a mistake');
  return task;
}

/** @throws TidemarkError of what the server says. */
export async function cancelTask(session: Session, taskId: string): Promise<Task> {
  const { taskCancel } = await session.request<{ taskCancel: TaskPayload }>(cancelMutation, {
    input: { id: taskId },
  });
  checkUserErrors(taskCancel.userErrors);
  if (taskCancel.task === null) throw new Error('the server answered neither a task nor a mistake');
  return taskCancel.task;
}

async function readPlan(session: Session, taskId: string): Promise<SyncPlan | undefined> {
  const { task } = await session.request<{ task: { plan: SyncPlan | null } | null }>(planQuery, {
    id: taskId,
  });
  return task?.plan ?? undefined;
}

/** Prints what came of a sync. */
export function reportOutcome({ task, plan }: SyncOutcome, name: string, terminal: Terminal): void {
  if (task.state === 'FAILED') {
    terminal.note(`The sync failed. ${describeError(task.error)}`);
    if (task.temporalUrl !== null) terminal.note(`Its history: ${task.temporalUrl}`);
  } else if (task.state === 'CANCELED') terminal.note(`The sync was cancelled; ${name} is as it was.`);
  else if (plan !== undefined) for (const line of describePlan(name, plan)) terminal.print(line);
  else if (task.createdVersion === null)
    terminal.print(`${name}: nothing had changed, so there is no new version.`);
  else
    for (const line of [...describeVersion(name, task.createdVersion), `  ${describeEffort(task)}`])
      terminal.print(line);
  if (task.failedTags > 0)
    terminal.note(`${countOf(task.failedTags, 'tag')} could not be synced. The next sync tries again.`);
  for (const line of describeUpstreams(task)) terminal.note(`Served by ${line}`);
  const outside = describeOutside(task);
  if (outside !== undefined) terminal.note(outside);
  if (task.warnings.length > 0) terminal.note(`${countOf(task.warnings.length, 'warning')}:`);
  for (const warning of task.warnings) terminal.note(`  ${inOwnWords(warning)}`);
}

function toJson({ task, repositoryId, plan }: SyncOutcome): Readonly<Record<string, unknown>> {
  const { createdVersion, repository, error, ...rest } = task;
  return {
    format: jsonFormat,
    task: rest,
    repository: repository ?? { id: repositoryId },
    version: createdVersion,
    ...(plan === undefined ? {} : { plan }),
    error: task.state === 'CANCELED' ? { code: 'CANCELED', message: 'The sync was cancelled.' } : error,
  };
}
