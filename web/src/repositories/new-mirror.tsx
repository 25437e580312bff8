import { Alert, Button, Group, Modal, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import type { FormEvent } from 'react';
import { useSubmit } from '../graphql/use-submit.ts';
import { useValues } from '../shared/forms/fields.ts';
import type { FieldProps } from '../shared/forms/fields.ts';
import { Problem } from '../shared/problem.tsx';
import { CreateRemote, DeleteRemote } from '../remotes/remote-queries.ts';
import { CreateRepository } from './new-mirror-mutations.ts';
import { splitReference } from './split-reference.ts';

interface Props {
  readonly opened: boolean;
  readonly onClose: () => void;
}

/** A remote and a repository of one name, then the sync dialog. */
export function NewMirror({ opened, onClose }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="New mirror" size="lg">
      <NewMirrorForm onClose={onClose} />
    </Modal>
  );
}

const firstValues = {
  reference: '',
  /** Undefined: made of the upstream's. */
  ownName: undefined as string | undefined,
  username: '',
  password: '',
};

type Values = typeof firstValues;

/** What is created, as the API takes it. */
function settingsOf({ reference, ownName, username, password }: Values) {
  const { url, upstreamName } = splitReference(reference);
  const name = ownName ?? (upstreamName === '' ? '' : `mirror/${upstreamName.split('/').at(-1)}`);
  return { name, url, upstreamName, ...(username === '' ? {} : { username, password }) };
}

function NewMirrorForm({ onClose }: { readonly onClose: () => void }) {
  const navigate = useNavigate();
  const { values, set } = useValues(() => firstValues);
  const remote = useSubmit(CreateRemote, (data) => data.remoteCreate);
  const repository = useSubmit(CreateRepository, (data) => data.repositoryCreate);
  const undo = useSubmit(DeleteRemote, (data) => ({ ...data.remoteDelete, userErrors: [] }));
  const input = settingsOf(values);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const made = await remote.submit({ input });
    const remoteId = made?.remote?.id;
    if (remoteId === undefined) return;
    const created = await repository.submit({ input: { name: input.name, remoteId } });
    if (created?.repository == null) {
      await undo.submit({ input: { id: remoteId } });
      return;
    }
    await navigate({
      to: '/repositories/$',
      params: { _splat: created.repository.name },
      search: { sync: 'rules' },
    });
  };
  const others = [
    ...remote.elsewhere('url', 'upstreamName', 'name', 'username', 'password'),
    ...repository.elsewhere('name'),
  ];
  const at = (field: string) => remote.at(field) ?? repository.at(field);
  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <Stack gap="sm">
        <NameFields values={values} set={set} at={at} name={input.name} />
        <LoginFields values={values} set={set} at={at} />
        {others.length > 0 ? <Alert color="red">{others.join(' ')}</Alert> : null}
        <Problem error={remote.error ?? repository.error} />
        <Group justify="space-between">
          <Text size="xs" c="dimmed">
            Nothing is fetched yet: next you choose the tags.
          </Text>
          <Group gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={remote.busy || repository.busy}>
              Create and choose tags
            </Button>
          </Group>
        </Group>
      </Stack>
    </form>
  );
}

function NameFields({ values, set, at, name }: FieldProps<Values> & { readonly name: string }) {
  return (
    <>
      <TextInput
        label="Upstream repository"
        description="Host and name, for example docker.io/library/nginx or ghcr.io/org/image"
        placeholder="docker.io/library/nginx"
        value={values.reference}
        onChange={(event) => set({ reference: event.currentTarget.value })}
        error={at('url') ?? at('upstreamName')}
        data-autofocus
        required
      />
      <TextInput
        label="Name here"
        description="Clients pull it by this name"
        value={name}
        onChange={(event) => set({ ownName: event.currentTarget.value })}
        error={at('name')}
        required
      />
    </>
  );
}

function LoginFields({ values: { username, password }, set, at }: FieldProps<Values>) {
  return (
    <Group grow align="flex-start">
      <TextInput
        label="User name"
        description="Optional"
        value={username}
        onChange={(event) => set({ username: event.currentTarget.value })}
        error={at('username')}
        autoComplete="off"
      />
      <PasswordInput
        label="Password or token"
        description="Stored encrypted"
        value={password}
        onChange={(event) => set({ password: event.currentTarget.value })}
        error={at('password')}
        autoComplete="off"
      />
    </Group>
  );
}
