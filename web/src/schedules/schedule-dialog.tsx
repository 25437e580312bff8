import { Checkbox, SegmentedControl } from '@mantine/core';
import { useQuery } from 'urql';
import type { ResultOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { Choice } from '../shared/forms/choice.tsx';
import { CronFields, IntervalField } from '../shared/forms/cron-fields.tsx';
import { DeleteButton } from '../shared/forms/delete-button.tsx';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
import { useValues } from '../shared/forms/fields.ts';
import type { FieldProps } from '../shared/forms/fields.ts';
import { LoadingDialog } from '../shared/forms/loading-dialog.tsx';
import { CreateSchedule, DeleteSchedule, UpdateSchedule } from './schedule-mutations.ts';
import { ScheduleQuery } from './schedule-query.ts';

interface Props {
  readonly id: string | undefined;
  readonly onClose: () => void;
}

export function ScheduleDialog({ id, onClose }: Props) {
  const [{ data, error }] = useQuery({
    query: ScheduleQuery,
    variables: { id: id ?? '', known: id !== undefined },
  });
  if (data !== undefined && (id === undefined || data.schedule != null))
    return <ScheduleForm data={data} onClose={onClose} />;
  return (
    <LoadingDialog
      title="Schedule"
      noun="schedule"
      isLoaded={data !== undefined}
      error={error}
      onClose={onClose}
    />
  );
}

interface FormProps {
  readonly data: ResultOf<typeof ScheduleQuery>;
  readonly onClose: () => void;
}

type Schedule = NonNullable<FormProps['data']['schedule']>;

function valuesOf(schedule: Schedule | undefined) {
  return {
    kind: schedule?.cron == null ? 'interval' : 'cron',
    repositoryId: schedule?.repository.id ?? null,
    cron: schedule?.cron ?? '0 * * * *',
    minutes: (schedule?.intervalSeconds ?? 3_600) / 60,
    timeZone: schedule?.timeZone ?? 'UTC',
    mirror: schedule?.mirror ?? true,
  };
}

type Values = ReturnType<typeof valuesOf>;

function inputOf({ kind, cron, timeZone, minutes, mirror }: Values) {
  return kind === 'cron'
    ? { cron, intervalSeconds: null, timeZone, mirror }
    : { cron: null, intervalSeconds: Math.round(minutes * 60), mirror };
}

function ScheduleForm({ data, onClose }: FormProps) {
  const schedule = data.schedule ?? undefined;
  const { values, set } = useValues(() => valuesOf(schedule));
  const creation = useSubmit(CreateSchedule, (result) => result.scheduleCreate);
  const update = useSubmit(UpdateSchedule, (result) => result.scheduleUpdate);
  const deletion = useSubmit(DeleteSchedule, (result) => result.scheduleDelete);
  const form = schedule === undefined ? creation : update;
  const save = async () => {
    const fields = inputOf(values);
    const done =
      schedule === undefined
        ? await creation.submit({ input: { repositoryId: values.repositoryId ?? '', ...fields } })
        : await update.submit({ input: { id: schedule.id, ...fields } });
    if (done !== undefined) onClose();
  };
  return (
    <EditDialog
      title={schedule === undefined ? 'New schedule' : `Schedule of ${schedule.repository.name}`}
      onClose={onClose}
      onSubmit={() => void save()}
      submitLabel={schedule === undefined ? 'Create' : 'Save'}
      busy={form.busy}
      error={form.error}
      others={form.elsewhere('repositoryId', 'cron', 'intervalSeconds', 'timeZone', 'mirror')}
      size="md"
      aside={
        schedule && (
          <DeleteButton
            id={schedule.id}
            question="The schedule is deleted. A sync that it has started continues."
            deletion={deletion}
            onDone={onClose}
          />
        )
      }
    >
      {schedule === undefined ? (
        <Choice
          label="Repository"
          required
          value={values.repositoryId}
          options={data.repositories.nodes.filter(({ remote }) => remote !== null)}
          onChange={(repositoryId) => set({ repositoryId })}
          error={form.at('repositoryId')}
        />
      ) : null}
      <TimeFields values={values} set={set} at={form.at} />
    </EditDialog>
  );
}

/** When the schedule runs, and what its syncs remove. */
function TimeFields({ values, set, at }: FieldProps<Values>) {
  const { kind, cron, timeZone, minutes, mirror } = values;
  return (
    <>
      <SegmentedControl
        aria-label="Kind"
        value={kind}
        onChange={(chosen) => set({ kind: chosen })}
        data={[
          { value: 'interval', label: 'At an interval' },
          { value: 'cron', label: 'By a cron expression' },
        ]}
      />
      {kind === 'interval' ? (
        <IntervalField
          minutes={minutes}
          onChange={(value) => set({ minutes: value })}
          error={at('intervalSeconds')}
        />
      ) : (
        <CronFields cron={cron} timeZone={timeZone} set={set} at={at} />
      )}
      <Checkbox
        label="Mirror: also remove tags that the upstream no longer has"
        checked={mirror}
        onChange={(event) => set({ mirror: event.currentTarget.checked })}
        error={at('mirror')}
      />
    </>
  );
}
