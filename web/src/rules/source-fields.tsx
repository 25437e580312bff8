import { Group, PasswordInput, Stack, TextInput } from '@mantine/core';
import { Choice } from '../shared/choice.tsx';
import type { FieldProps } from './rule-values.ts';

interface Props extends FieldProps {
  readonly isNew: boolean;
  readonly credentials: readonly { readonly id: string; readonly name: string }[];
}

/** The registry, and the login there. */
export function SourceFields({ values, set, at, isNew, credentials }: Props) {
  return (
    <Stack gap="sm">
      <TextInput
        label="Name"
        required
        value={values.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        error={at('name')}
        data-autofocus
      />
      <TextInput
        label="Registry"
        description="For example https://harbor.example"
        required
        value={values.url}
        onChange={(event) => set({ url: event.currentTarget.value })}
        error={at('url')}
      />
      <Choice
        label="Credential"
        none="None: the user name and password below, or anonymous"
        value={values.credentialId}
        options={credentials}
        // a rule has one login
        onChange={(credentialId) =>
          set(
            credentialId === null
              ? { credentialId, password: undefined }
              : { credentialId, username: null, password: null },
          )
        }
        error={at('credentialId')}
      />
      <Group grow align="flex-start">
        <TextInput
          label="User name"
          autoComplete="off"
          disabled={values.credentialId !== null}
          value={values.username ?? ''}
          onChange={(event) => set({ username: event.currentTarget.value || null })}
          error={at('username')}
        />
        <PasswordInput
          label="Password or token"
          autoComplete="new-password"
          disabled={values.credentialId !== null}
          placeholder={isNew ? '' : 'Empty: the stored one is kept'}
          value={values.password ?? ''}
          onChange={(event) => set({ password: event.currentTarget.value || undefined })}
          error={at('password')}
        />
      </Group>
    </Stack>
  );
}
