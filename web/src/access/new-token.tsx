import { Group, NumberInput, Select, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { graphql } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
import { useValues } from '../shared/forms/fields.ts';
import type { FieldProps } from '../shared/forms/fields.ts';
import { SecretDialog } from '../shared/secret-dialog.tsx';
import { roles } from './roles.ts';
import type { Role } from './roles.ts';

const CreateToken = graphql(`
  mutation CreateToken($input: TokenCreateInput!) {
    tokenCreate(input: $input) {
      secret
      token {
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

const firstValues = { name: '', days: 90, role: 'READER' as Role | null, scope: '*' };

/** A new token; its secret is shown once. */
export function NewToken({ onClose }: { readonly onClose: () => void }) {
  const { values, set } = useValues(() => firstValues);
  const [secret, setSecret] = useState<string>();
  const { submit, busy, error, at, elsewhere } = useSubmit(CreateToken, (data) => data.tokenCreate);
  const save = async () => {
    const { name, days, role, scope } = values;
    const grants = role === null ? {} : { grants: [{ role, scope }] };
    const done = await submit({ input: { name, expiresInDays: days, ...grants } });
    if (done !== undefined) setSecret(done.secret ?? '');
  };
  if (secret !== undefined)
    return (
      <SecretDialog
        title={`Token ${values.name}`}
        advice="Copy the token now: it is shown once, and the server stores its hash only."
        copyLabel="Copy the token"
        secret={secret}
        onClose={onClose}
      />
    );
  return (
    <EditDialog
      title="New token"
      onClose={onClose}
      onSubmit={() => void save()}
      submitLabel="Create"
      busy={busy}
      error={error}
      others={elsewhere('name', 'expiresInDays', 'grants')}
      size="md"
    >
      <TokenFields values={values} set={set} at={at} />
    </EditDialog>
  );
}

function TokenFields({ values, set, at }: FieldProps<typeof firstValues>) {
  return (
    <>
      <TextInput
        label="Name"
        description="The person or program that uses it"
        required
        value={values.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        error={at('name')}
        data-autofocus
      />
      <NumberInput
        label="Lifetime in days"
        min={1}
        max={3650}
        value={values.days}
        onChange={(days) => typeof days === 'number' && set({ days })}
        error={at('expiresInDays')}
      />
      <Group grow align="flex-start">
        <Select
          label="Role"
          clearable
          clearButtonProps={{ 'aria-label': 'No role' }}
          placeholder="No role"
          data={roles}
          value={values.role}
          onChange={(role) => set({ role })}
        />
        <TextInput
          label="For"
          description="*, team/* or one name"
          value={values.scope}
          onChange={(event) => set({ scope: event.currentTarget.value })}
          error={at('grants')}
        />
      </Group>
      <Text size="xs" c="dimmed">
        Further roles are given under Grants.
      </Text>
    </>
  );
}
