import { Button } from '@mantine/core';
import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
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

export const CancelTaskFragment = graphql(`
  fragment CancelTask on Task {
    id
    name
    viewerCan
  }
`);

const labels: Record<string, string> = {
  'repository.sync': 'Cancel the sync',
  'rule.run': 'Cancel the run',
};

export function CancelTask({ task }: { readonly task: FragmentOf<typeof CancelTaskFragment> }) {
  const { id, name, viewerCan } = readFragment(CancelTaskFragment, task);
  const { submit, busy, error } = useSubmit(CancelMutation, (data) => data.taskCancel);
  if (!viewerCan.includes('MAINTAINER')) return null;
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        loading={busy}
        onClick={() => void submit({ input: { id } })}
      >
        {labels[name] ?? 'Cancel the task'}
      </Button>
      <Problem error={error} />
    </>
  );
}
