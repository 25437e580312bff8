import { Button } from '@mantine/core';
import { graphql } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { useMay } from '../session/viewer.ts';
import { Problem } from '../shared/problem.tsx';

export const CancelMutation = graphql(`
  mutation CancelTask($input: TaskCancelInput!) {
    taskCancel(input: $input) {
      task {
        id
        state
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
  readonly id: string;
  /** The repository of the task. */
  readonly name: string | undefined;
}

export function CancelTask({ id, name }: Props) {
  const may = useMay();
  const { submit, busy, error } = useSubmit(CancelMutation, (data) => data.taskCancel);
  if (!may('MAINTAINER', name)) return null;
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        loading={busy}
        onClick={() => void submit({ input: { id } })}
      >
        Cancel the sync
      </Button>
      <Problem error={error} />
    </>
  );
}
