import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf, ResultOf } from '../graphql/graphql.ts';
import { formatBytes, formatClock } from '../../../src/cli/progress/format.ts';
import { relativeTime } from '../shared/time.ts';
import { useNow } from '../shared/when.tsx';
import { TaskState, isFinal } from '../tasks/task-state.tsx';
import { StageLine } from './stage-line.tsx';
import { shareDone } from './stages.ts';
import classes from './sync.module.css';
import { useRate } from './use-rate.ts';

export const TaskProgressFragment = graphql(`
  fragment TaskProgress on Task {
    id
    name
    state
    dryRun
    startedAt
    finishedAt
    rateLimited
    failedTags
    error {
      code
      message
    }
    warnings
    ruleProgress {
      found
      total
      done
      failed
    }
    progress {
      stage
      bytesDone
      bytesReused
      bytesTotal
      blobsDone
      blobsTotal
      blobsReused
      manifestsDone
      manifestsTotal
      tagsDone
      tagsTotal
      signaturesDone
      throttledUntil
      waitsFor
      waitsUntil
    }
  }
`);

/** The progress of a task: the same everywhere. */
export function TaskProgress({ task }: { readonly task: FragmentOf<typeof TaskProgressFragment> }) {
  const data = readFragment(TaskProgressFragment, task);
  const { state, progress, ruleProgress, startedAt, finishedAt } = data;
  const running = !isFinal(state);
  const now = useNow();
  const rate = useRate(
    progress.bytesDone - progress.bytesReused,
    running && progress.stage === 'FETCHING_BLOBS',
  );
  const share =
    state === 'COMPLETED' ? 1 : ruleProgress === null ? shareDone(progress) : shareSynced(ruleProgress);
  const left =
    rate === undefined || rate < 1 || progress.bytesTotal === null
      ? undefined
      : (progress.bytesTotal - progress.bytesDone) / rate;
  const end = finishedAt === null ? Math.max(now, Date.now() - 5_000) : Date.parse(finishedAt);
  return (
    <div className={classes.progress}>
      {ruleProgress === null ? <StageLine stage={progress.stage} state={state} /> : null}
      <Track share={share} state={state} />
      <div className={classes.numbers}>
        <TaskState state={state} />
        {ruleProgress === null ? (
          <SyncCounts progress={progress} />
        ) : (
          <RuleCounts progress={ruleProgress} dryRun={data.dryRun} />
        )}
        {rate === undefined ? null : <span>{formatBytes(Math.round(rate))}/s</span>}
        {left === undefined ? null : <span>{formatClock(left)} left</span>}
        {startedAt === null ? null : <span>{formatClock((end - Date.parse(startedAt)) / 1000)} elapsed</span>}
        {progress.bytesReused > 0 ? <span>{formatBytes(progress.bytesReused)} reused</span> : null}
      </div>
      <Notes data={data} now={now} />
    </div>
  );
}

type Data = ResultOf<typeof TaskProgressFragment>;

/** How much is done, as a bar. */
function Track({ share, state }: { readonly share: number | undefined; readonly state: Data['state'] }) {
  return (
    <div
      className={classes.track}
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={100}
      {...(share === undefined ? {} : { 'aria-valuenow': Math.round(share * 100) })}
      data-state={state}
    >
      <div
        className={classes.fill}
        style={{ transform: `scaleX(${share ?? 0})` }}
        data-running={!isFinal(state) || undefined}
      />
    </div>
  );
}

/** Why it is slow, or has failed. */
function Notes({ data, now }: { readonly data: Data; readonly now: number }) {
  const { state, progress, error } = data;
  return (
    <>
      {progress.throttledUntil !== null && !isFinal(state) ? (
        <p className={classes.note} data-tone="late">
          The upstream asked to slow down: the task continues {relativeTime(progress.throttledUntil, now)}.
        </p>
      ) : null}
      {progress.waitsFor === null ? null : (
        <p className={classes.note} data-tone="late">
          {waitText(progress.waitsFor, progress.waitsUntil, now)}
        </p>
      )}
      {error === null ? null : (
        <p className={classes.note} data-tone="bad" role="status">
          <b>{error.code}</b> {error.message}
        </p>
      )}
      {data.warnings.map((warning) => (
        <p key={warning} className={classes.note} data-tone="late">
          {warning}
        </p>
      ))}
    </>
  );
}

function SyncCounts({ progress }: { readonly progress: Data['progress'] }) {
  return (
    <>
      <span>{counted(progress.tagsDone, progress.tagsTotal)} tags</span>
      <span>{counted(progress.manifestsDone, progress.manifestsTotal)} manifests</span>
      <span>{counted(progress.blobsDone, progress.blobsTotal)} blobs</span>
      <span>
        {formatBytes(progress.bytesDone)}
        {progress.bytesTotal === null ? '' : ` of ${formatBytes(progress.bytesTotal)}`}
      </span>
    </>
  );
}

interface RuleCountsProps {
  readonly progress: NonNullable<Data['ruleProgress']>;
  readonly dryRun: boolean;
}

/** Counts of repositories, of a run of a mirror rule. */
function RuleCounts({ progress: { found, total, done, failed }, dryRun }: RuleCountsProps) {
  return (
    <>
      {found === null ? null : <span>{found.toLocaleString()} found at the upstream</span>}
      {dryRun ? null : <span>{counted(done, total)} repositories synced</span>}
      {failed > 0 ? <span>{failed.toLocaleString()} failed</span> : null}
    </>
  );
}

function shareSynced({ total, done }: RuleCountsProps['progress']): number | undefined {
  return total === null || total === 0 ? undefined : done / total;
}

function waitText(
  waitsFor: 'TURN' | 'SYNC_WINDOW' | 'QUOTA',
  waitsUntil: string | null,
  now: number,
): string {
  if (waitsFor === 'TURN') return "The task waits for other syncs of the upstream's host.";
  if (waitsFor === 'QUOTA')
    return "The task waits: what is left of the registry's quota is reserved for others.";
  const until = waitsUntil === null ? '' : `, which opens ${relativeTime(waitsUntil, now)}`;
  return `The task waits for its sync window${until}.`;
}

function counted(done: number, total: number | null): string {
  return total === null ? done.toLocaleString() : `${done.toLocaleString()} of ${total.toLocaleString()}`;
}
