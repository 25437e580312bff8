import { Stack, TextInput } from '@mantine/core';
import { LoginFields } from '../shared/forms/login-fields.tsx';
import type { RuleProps } from './rule-values.ts';

interface Props extends RuleProps {
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
      <LoginFields
        values={values}
        set={set}
        at={at}
        credentials={credentials}
        passwordHint={isNew ? '' : 'Empty: the stored one is kept'}
      />
    </Stack>
  );
}
