import { Group, PasswordInput, Select, Stack, TextInput } from '@mantine/core';
import { Choice } from '../shared/choice.tsx';
import { blobPolicies } from './blob-policies.ts';
import type { Values } from './remote-values.ts';

export interface FieldProps {
  readonly values: Values;
  readonly set: (changes: Partial<Values>) => void;
  /** The API's messages for a field. */
  readonly at: (field: string) => string | undefined;
}

interface Props extends FieldProps {
  readonly hasPassword: boolean;
  readonly credentials: readonly { readonly id: string; readonly name: string }[];
  readonly policies: readonly { readonly id: string; readonly name: string }[];
}

export function UpstreamFields({ values, set, at, hasPassword, credentials, policies }: Props) {
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
        description="https://registry-1.docker.io, https://ghcr.io"
        required
        value={values.url}
        onChange={(event) => set({ url: event.currentTarget.value })}
        error={at('url')}
      />
      <TextInput
        label="Repository at the upstream"
        description="For example library/nginx"
        required
        value={values.upstreamName}
        onChange={(event) => set({ upstreamName: event.currentTarget.value })}
        error={at('upstreamName')}
      />
      <Choice
        label="Credential"
        none="None: the user name and password below, or anonymous"
        value={values.credentialId}
        options={credentials}
        // a remote has one login
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
          placeholder={hasPassword && values.password !== null ? 'Stored; type to replace it' : ''}
          value={values.password ?? ''}
          onChange={(event) => set({ password: event.currentTarget.value || undefined })}
          error={at('password')}
        />
      </Group>
      <Select
        label="Layers"
        allowDeselect={false}
        data={blobPolicies}
        value={values.policy}
        onChange={(policy) => policy !== null && set({ policy })}
        error={at('policy')}
      />
      <Choice
        label="Signature policy"
        none="None: every image is taken"
        value={values.signaturePolicyId}
        options={policies}
        onChange={(signaturePolicyId) => set({ signaturePolicyId })}
        error={at('signaturePolicyId')}
      />
    </Stack>
  );
}
