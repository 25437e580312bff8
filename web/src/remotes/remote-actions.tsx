import { Button } from '@mantine/core';
import type { ResultOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import type { Submit } from '../graphql/use-submit.ts';
import { DeleteButton } from '../shared/forms/delete-button.tsx';
import { DeleteRemote } from './remote-queries.ts';
import type { TestRemote } from './remote-queries.ts';

export type Tested = NonNullable<ResultOf<typeof TestRemote>['remoteTest']['test']>;

interface Props {
  readonly remote: { readonly id: string; readonly name: string };
  readonly testing: Submit<{ input: { id: string } }, ResultOf<typeof TestRemote>['remoteTest']>;
  readonly onTested: (test: Tested | undefined) => void;
  readonly onDeleted: () => void;
}

/** What can be done with a remote that exists. */
export function RemoteActions({ remote: { id, name }, testing, onTested, onDeleted }: Props) {
  const deletion = useSubmit(DeleteRemote, (result) => result.remoteDelete);
  const test = async () => {
    const done = await testing.submit({ input: { id } });
    onTested(done?.test ?? undefined);
  };
  return (
    <>
      <Button size="compact-sm" variant="subtle" loading={testing.busy} onClick={() => void test()}>
        Test
      </Button>
      <DeleteButton
        id={id}
        question={`The remote ${name} is deleted. Repositories and their content stay.`}
        deletion={deletion}
        onDone={onDeleted}
      />
    </>
  );
}
