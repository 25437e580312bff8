import { Group, PasswordInput, TextInput } from '@mantine/core';
import { Choice } from './choice.tsx';

interface Login {
  readonly credentialId: string | null;
  readonly username: string | null;
  /** Undefined keeps the stored one. */
  readonly password: string | null | undefined;
}

interface Props {
  readonly values: Login;
  readonly set: (changes: Partial<Login>) => void;
  /** The API's messages for a field. */
  readonly at: (field: string) => string | undefined;
  readonly credentials: readonly { readonly id: string; readonly name: string }[];
  /** In place of a password that is not shown. */
  readonly passwordHint: string;
}

/** One login at a registry: a credential, or a user name and a password. */
export function LoginFields({ values, set, at, credentials, passwordHint }: Props) {
  return (
    <>
      <Choice
        label="Credential"
        none="None: the user name and password below, or anonymous"
        value={values.credentialId}
        options={credentials}
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
          placeholder={passwordHint}
          value={values.password ?? ''}
          onChange={(event) => set({ password: event.currentTarget.value || undefined })}
          error={at('password')}
        />
      </Group>
    </>
  );
}
