import { Alert, Button, Group, Modal, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { FormEvent } from 'react';
import { graphql } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { Problem } from '../shared/problem.tsx';
import { splitReference } from './split-reference.ts';

const CreateRemote = graphql(`
  mutation NewMirrorRemote($input: RemoteCreateInput!) {
    remoteCreate(input: $input) {
      remote {
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

const CreateRepository = graphql(`
  mutation NewMirrorRepository($input: RepositoryCreateInput!) {
    repositoryCreate(input: $input) {
      repository {
        id
        name
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

const DeleteRemote = graphql(`
  mutation NewMirrorUndo($input: RemoteDeleteInput!) {
    remoteDelete(input: $input) {
      deletedId
    }
  }
`);

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

function NewMirrorForm({ onClose }: { readonly onClose: () => void }) {
  const navigate = useNavigate();
  const [reference, setReference] = useState('');
  const [ownName, setOwnName] = useState<string>();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const remote = useSubmit(CreateRemote, (data) => data.remoteCreate);
  const repository = useSubmit(CreateRepository, (data) => data.repositoryCreate);
  const undo = useSubmit(DeleteRemote, (data) => ({ ...data.remoteDelete, userErrors: [] }));
  const { url, upstreamName } = splitReference(reference);
  const name = ownName ?? (upstreamName === '' ? '' : `mirror/${upstreamName.split('/').at(-1)}`);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const login = username === '' ? {} : { username, password };
    const made = await remote.submit({ input: { name, url, upstreamName, ...login } });
    const remoteId = made?.remote?.id;
    if (remoteId === undefined) return;
    const created = await repository.submit({ input: { name, remoteId } });
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
  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <Stack gap="sm">
        <TextInput
          label="Upstream repository"
          description="Host and name, for example docker.io/library/nginx or ghcr.io/org/image"
          placeholder="docker.io/library/nginx"
          value={reference}
          onChange={(event) => setReference(event.currentTarget.value)}
          error={remote.at('url') ?? remote.at('upstreamName')}
          data-autofocus
          required
        />
        <TextInput
          label="Name here"
          description="Clients pull it by this name"
          value={name}
          onChange={(event) => setOwnName(event.currentTarget.value)}
          error={repository.at('name') ?? remote.at('name')}
          required
        />
        <Group grow align="flex-start">
          <TextInput
            label="User name"
            description="Optional"
            value={username}
            onChange={(event) => setUsername(event.currentTarget.value)}
            error={remote.at('username')}
            autoComplete="off"
          />
          <PasswordInput
            label="Password or token"
            description="Stored encrypted"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            error={remote.at('password')}
            autoComplete="off"
          />
        </Group>
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
