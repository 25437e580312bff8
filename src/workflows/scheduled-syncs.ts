import { continueAsNew, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';
import type {
  ScheduledSyncsInput,
  ScheduledSyncsRest,
  ScheduledSyncsResult,
} from './scheduled-syncs-input.ts';
import { local, openRemote, wasCancelled } from './steps.ts';

const { beginScheduledSyncs } = openRemote('24h');

/** A slow upstream delays its own page only. */
const pagesAtOnce = 2;
/** A longer history continues as a new one, so that none has more than 500 events (docs/design.md). */
const eventsAtMost = 200;

type DuePage = Parameters<Activities['beginScheduledSyncs']>[0];
type Counts = { -readonly [Key in keyof ScheduledSyncsResult]: ScheduledSyncsResult[Key] };

/**
 * All schedules of a specification that are due at one moment, in pages. Each page is one activity, which looks whether anything has changed,
 * and starts the syncs of the others. The run ends once they have begun, so that it does not delay the next one.
 */
export async function scheduledSyncs({
  specification,
  rest,
}: ScheduledSyncsInput): Promise<ScheduledSyncsResult> {
  const run = rest ?? (await beginRun(specification));
  const { dueAt } = run;
  const left = [...run.pages];
  const counts: Counts = { ...run.counts };
  let { afterId } = run;

  const lane = async (): Promise<void> => {
    while (workflowInfo().historyLength < eventsAtMost) {
      const toId = left.shift();
      if (toId === undefined) return;
      const page = { ...momentOf(specification, dueAt), afterId, toId };
      afterId = toId;
      await beginPage(page, counts);
    }
  };
  await Promise.all(Array.from({ length: pagesAtOnce }, lane));
  if (left.length === 0) return counts;
  const next: ScheduledSyncsRest = { dueAt, afterId, pages: left, counts };
  return continueAsNew<typeof scheduledSyncs>({ specification, rest: next });
}

/** Adds the outcomes of a page. A page that fails does not keep the others from their turn. */
async function beginPage(page: DuePage, counts: Counts): Promise<void> {
  try {
    const begun = await beginScheduledSyncs.executeWithOptions({ summary: `schedules to ${page.toId}` }, [
      page,
    ]);
    counts.unchanged += begun.unchanged;
    counts.started += begun.started;
    counts.skipped += begun.skipped;
  } catch (error) {
    if (wasCancelled(error)) throw error;
    counts.failedPages += 1;
  }
  setCurrentDetails(describe(counts));
}

async function beginRun(specification: string): Promise<ScheduledSyncsRest> {
  const { searchAttributes, startTime } = workflowInfo();
  // oxlint-disable-next-line typescript/no-deprecated
  const [due] = searchAttributes['TemporalScheduledStartTime'] ?? [];
  const dueAt = (due instanceof Date ? due : startTime).toISOString();
  const pages = await local.cutDueSchedules(momentOf(specification, dueAt));
  return { dueAt, afterId: 0, pages, counts: { unchanged: 0, started: 0, skipped: 0, failedPages: 0 } };
}

function momentOf(specification: string, dueAt: string) {
  return { specification, dueAt, workflowRunId: workflowInfo().firstExecutionRunId };
}

function describe({ unchanged, started, skipped, failedPages }: ScheduledSyncsResult): string {
  const failed = failedPages === 0 ? '' : `, ${failedPages} pages failed`;
  return `${unchanged} unchanged, ${started} started, ${skipped} skipped${failed}`;
}
