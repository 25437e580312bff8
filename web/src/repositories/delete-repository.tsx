import { Alert, Button, Group, Text, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { graphql } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { Panel } from '../shared/panel.tsx';
import { Problem } from '../shared/problem.tsx';

const Delete = graphql(`
  mutation DeleteRepository($input: RepositoryDeleteInput!) {
    repositoryDelete(input: $input) {
      deletedId
      userErrors {
        code
        field
        message
      }
    }
  }
`);

const Detach = graphql(`
  mutation DetachRepository($input: RepositoryDetachInput!) {
    repositoryDetach(input: $input) {
      repository {
        id
        isMirrored
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
  readonly name: string;
  readonly isMirrored: boolean;
}

/** What cannot be taken back asks for the name. */
export function DeleteRepository({ id, name, isMirrored }: Props) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const deletion = useSubmit(Delete, (data) => data.repositoryDelete);
  const detaching = useSubmit(Detach, (data) => data.repositoryDetach);
  const remove = async () => {
    if ((await deletion.submit({ input: { id } })) !== undefined) await navigate({ to: '/repositories' });
  };
  const mistakes = [...deletion.elsewhere(), ...detaching.elsewhere()];
  return (
    <Panel title="Detach and delete">
      {isMirrored ? (
        <Group justify="space-between" mb="md">
          <Text size="sm" maw={430}>
            Detach: the mirror becomes an ordinary repository that accepts pushes. Versions and content stay.
          </Text>
          <Button
            variant="default"
            loading={detaching.busy}
            onClick={() => void detaching.submit({ input: { id } })}
          >
            Detach
          </Button>
        </Group>
      ) : null}
      <Text size="sm" mb="xs">
        Delete: the repository with its versions, schedules and the distribution at its own name is lost for
        good.
      </Text>
      <Group align="flex-end">
        <TextInput
          label={`Type ${name} to delete it`}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          flex={1}
          autoComplete="off"
        />
        <Button color="red" disabled={typed !== name} loading={deletion.busy} onClick={() => void remove()}>
          Delete
        </Button>
      </Group>
      {mistakes.length > 0 ? (
        <Alert color="red" mt="sm">
          {mistakes.join(' ')}
        </Alert>
      ) : null}
      <Problem error={deletion.error ?? detaching.error} />
    </Panel>
  );
}
