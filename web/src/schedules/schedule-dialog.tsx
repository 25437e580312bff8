import { Checkbox, NumberInput, SegmentedControl, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { Choice } from '../shared/forms/choice.tsx';
import { ConfirmButton } from '../shared/forms/confirm-button.tsx';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
import { LoadingDialog } from '../shared/forms/loading-dialog.tsx';
import { CreateSchedule, DeleteSchedule, UpdateSchedule } from './schedule-mutations.ts';

const ScheduleQuery = graphql(`
  query Schedule($id: ID!, $known: Boolean!) {
    schedule(id: $id) @include(if: $known) {
      id
      cron
      intervalSeconds
      timeZone
      jitterSeconds
      mirror
      note
      repository {
        id
        name
      }
    }
    repositories(first: 100) {
      nodes {
        id
        name
        remote {
          id
        }
      }
    }
  }
`);

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

function ScheduleForm({
  data,
  onClose,
}: {
  readonly data: ResultOf<typeof ScheduleQuery>;
  readonly onClose: () => void;
}) {
  const schedule = data.schedule ?? undefined;
  const [kind, setKind] = useState(schedule?.cron == null ? 'interval' : 'cron');
  const [values, setValues] = useState({
    repositoryId: schedule?.repository.id ?? null,
    cron: schedule?.cron ?? '0 * * * *',
    minutes: (schedule?.intervalSeconds ?? 3_600) / 60,
    timeZone: schedule?.timeZone ?? 'UTC',
    mirror: schedule?.mirror ?? true,
  });
  const creation = useSubmit(CreateSchedule, (result) => result.scheduleCreate);
  const update = useSubmit(UpdateSchedule, (result) => result.scheduleUpdate);
  const deletion = useSubmit(DeleteSchedule, (result) => result.scheduleDelete);
  const form = schedule === undefined ? creation : update;
  const set = (fields: Partial<typeof values>) => setValues({ ...values, ...fields });
  const save = async () => {
    const when =
      kind === 'cron'
        ? { cron: values.cron, intervalSeconds: null, timeZone: values.timeZone }
        : { cron: null, intervalSeconds: Math.round(values.minutes * 60) };
    const fields = { ...when, mirror: values.mirror };
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
        schedule === undefined ? null : (
          <ConfirmButton
            label="Delete"
            question="The schedule is deleted. A sync that it has started continues."
            submission={deletion}
            onConfirm={async () => {
              if ((await deletion.submit({ input: { id: schedule.id } })) !== undefined) onClose();
            }}
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
      <SegmentedControl
        aria-label="Kind"
        value={kind}
        onChange={setKind}
        data={[
          { value: 'interval', label: 'At an interval' },
          { value: 'cron', label: 'By a cron expression' },
        ]}
      />
      {kind === 'interval' ? (
        <NumberInput
          label="Every … minutes"
          min={1}
          value={values.minutes}
          onChange={(minutes) => typeof minutes === 'number' && set({ minutes })}
          error={form.at('intervalSeconds')}
        />
      ) : (
        <>
          <TextInput
            label="Cron expression"
            description="Minute, hour, day, month, weekday"
            value={values.cron}
            onChange={(event) => set({ cron: event.currentTarget.value })}
            error={form.at('cron')}
          />
          <TextInput
            label="Time zone"
            description="For example Europe/Berlin"
            value={values.timeZone}
            onChange={(event) => set({ timeZone: event.currentTarget.value })}
            error={form.at('timeZone')}
          />
        </>
      )}
      <Checkbox
        label="Mirror: also remove tags that the upstream no longer has"
        checked={values.mirror}
        onChange={(event) => set({ mirror: event.currentTarget.checked })}
        error={form.at('mirror')}
      />
    </EditDialog>
  );
}
