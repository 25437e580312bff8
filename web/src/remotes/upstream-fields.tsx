import { Stack, TextInput } from '@mantine/core';
import type { FieldProps } from '../shared/forms/fields.ts';
import { LoginFields } from '../shared/forms/login-fields.tsx';
import { ContentFields } from './content-fields.tsx';
import type { Values } from './remote-values.ts';

interface Props extends FieldProps<Values> {
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
      <LoginFields
        values={values}
        set={set}
        at={at}
        credentials={credentials}
        passwordHint={hasPassword && values.password !== null ? 'Stored; type to replace it' : ''}
      />
      <ContentFields values={values} set={set} at={at} policies={policies} />
    </Stack>
  );
}
