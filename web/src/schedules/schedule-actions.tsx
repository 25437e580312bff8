import { ActionIcon, Group, Tooltip } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { IconPlayerPause, IconPlayerPlay, IconRefresh } from '../frame/icons.ts';
import { graphql } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { useMay } from '../session/viewer.ts';

const Pause = graphql(`
  mutation PauseSchedule($input: SchedulePauseInput!) {
    schedulePause(input: $input) {
      schedule {
        id
        paused
        nextRunAts
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

const Resume = graphql(`
  mutation ResumeSchedule($input: ScheduleResumeInput!) {
    scheduleResume(input: $input) {
      schedule {
        id
        paused
        nextRunAts
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

const Trigger = graphql(`
  mutation TriggerSchedule($input: ScheduleTriggerInput!) {
    scheduleTrigger(input: $input) {
      task {
        id
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

interface Props {
  readonly schedule: {
    readonly id: string;
    readonly paused: boolean;
    readonly repository: { readonly name: string };
  };
}

/** Pause or resume a schedule, and run it now. */
export function ScheduleActions({ schedule: { id, paused, repository } }: Props) {
  const may = useMay();
  const navigate = useNavigate();
  const pausing = useSubmit(Pause, (data) => data.schedulePause);
  const resuming = useSubmit(Resume, (data) => data.scheduleResume);
  const trigger = useSubmit(Trigger, (data) => data.scheduleTrigger);
  if (!may('MAINTAINER', repository.name)) return null;
  const run = async () => {
    const done = await trigger.submit({ input: { id } });
    if (done?.task) await navigate({ to: '/tasks/$id', params: { id: done.task.id } });
  };
  const problem = [pausing, resuming, trigger].flatMap((each) => [
    ...each.elsewhere(),
    ...(each.error === undefined ? [] : [each.error.message]),
  ])[0];
  const name = repository.name;
  const change = paused ? resuming : pausing;
  const label = paused ? 'Resume' : 'Pause';
  return (
    <Group gap={2} wrap="nowrap">
      <Tooltip label={label}>
        <ActionIcon
          variant="subtle"
          color="gray"
          loading={change.busy}
          aria-label={`${label} the schedule of ${name}`}
          onClick={() => void change.submit({ input: { id } })}
        >
          {paused ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />}
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Run now">
        <ActionIcon
          variant="subtle"
          color="gray"
          loading={trigger.busy}
          aria-label={`Run the schedule of ${name} now`}
          onClick={() => void run()}
        >
          <IconRefresh size={16} />
        </ActionIcon>
      </Tooltip>
      {problem === undefined ? null : (
        <span role="alert" title={problem}>
          {problem}
        </span>
      )}
    </Group>
  );
}
