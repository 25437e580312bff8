import { Alert, Text } from '@mantine/core';
import { formatBytes } from '../../../src/cli/progress/format.ts';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import classes from './sync.module.css';
import type { usePreview } from './use-preview.ts';

const words: Record<string, string> = {
  UNCHANGED: 'unchanged',
  FILTERED: 'left out by the rules',
  BEYOND_NEWEST: 'older than the newest',
  TOO_YOUNG: 'too young',
  NOT_VERIFIED: 'not verified',
  NO_PLATFORM: 'without these platforms',
  FAILED: 'failed',
};

/** Which tags the rules take: the result of a dry run. */
export function Preview({ preview }: { readonly preview: ReturnType<typeof usePreview> }) {
  const { task, progress, userErrors, error } = preview;
  const plan = task?.plan;
  return (
    <section className={classes.preview} aria-label="Preview" aria-live="polite">
      <Text fw={600} size="sm">
        Preview
      </Text>
      <Problem error={error} />
      {userErrors.length > 0 ? (
        <Alert color="red">{userErrors.map(({ message }) => message).join(' ')}</Alert>
      ) : null}
      {task?.error == null ? null : (
        <Alert color="red" title={task.error.code}>
          {task.error.message}
        </Alert>
      )}
      {task === undefined && error === undefined && userErrors.length === 0 ? (
        <>
          <Text size="sm" c="dimmed">
            {progress?.tagsTotal == null
              ? 'Asking the upstream for its tags'
              : `Reading ${progress.tagsTotal.toLocaleString()} tags`}
          </Text>
          <RowsSkeleton rows={6} height={18} />
        </>
      ) : null}
      {plan == null ? null : <Plan plan={plan} counts={task?.tagOutcomeCounts ?? []} />}
      {task?.warnings.map((warning) => (
        <Text key={warning} size="sm" c="var(--tone-late)">
          {warning}
        </Text>
      ))}
    </section>
  );
}

type Task = NonNullable<ReturnType<typeof usePreview>['task']>;

interface PlanProps {
  readonly plan: NonNullable<Task['plan']>;
  readonly counts: Task['tagOutcomeCounts'];
}

/** What the sync would change. */
function Plan({ plan, counts }: PlanProps) {
  return (
    <>
      <div className={classes.counts}>
        <b>{plan.tagsAdded.toLocaleString()} added</b>
        <b>{plan.tagsMoved.toLocaleString()} moved</b>
        {plan.tagsRemoved > 0 ? <b>{plan.tagsRemoved.toLocaleString()} removed</b> : null}
        <span>{formatBytes(plan.bytesToFetch)} at most</span>
        {counts
          .filter(({ outcome }) => words[outcome] !== undefined)
          .map(({ outcome, count }) => (
            <Text key={outcome} span size="sm" c="dimmed">
              {count.toLocaleString()} {words[outcome]}
            </Text>
          ))}
      </div>
      {plan.tags.totalCount === 0 ? (
        <Text size="sm" c="dimmed">
          These rules change nothing: the repository has what they take.
        </Text>
      ) : null}
      <ul className={classes.plan} tabIndex={0} aria-label="Tags that change">
        {plan.tags.nodes.map(({ name, change }) => (
          <li key={name} data-change={change}>
            <span>{change.toLowerCase()}</span>
            <span>{name}</span>
          </li>
        ))}
      </ul>
      {plan.tags.totalCount > plan.tags.nodes.length ? (
        <Text size="xs" c="dimmed">
          and {(plan.tags.totalCount - plan.tags.nodes.length).toLocaleString()} more
        </Text>
      ) : null}
    </>
  );
}
