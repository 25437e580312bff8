import { Alert, Button, Group, NumberInput, Stack, TextInput, Textarea } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import type { FormEvent } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { Choice } from '../shared/forms/choice.tsx';
import { useValues } from '../shared/forms/fields.ts';
import type { FieldProps } from '../shared/forms/fields.ts';
import { Panel } from '../shared/panel.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { DeleteRepository } from './delete-repository.tsx';

const Settings = graphql(`
  query RepositorySettings($name: String!) {
    repository(name: $name) {
      id
      name
      description
      retainVersions
      isMirrored
      remote {
        id
      }
      signaturePolicy {
        id
      }
    }
    remotes(first: 100) {
      nodes {
        id
        name
      }
    }
    signaturePolicies(first: 100) {
      nodes {
        id
        name
      }
    }
  }
`);

const Update = graphql(`
  mutation UpdateRepository($input: RepositoryUpdateInput!) {
    repositoryUpdate(input: $input) {
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

export function SettingsTab({ name }: { readonly name: string }) {
  const [{ data, error }] = useQuery({ query: Settings, variables: { name } });
  if (error !== undefined) return <Problem error={error} />;
  if (data === undefined) return <RowsSkeleton rows={5} />;
  return data.repository === null ? null : <SettingsForm data={data} />;
}

type Data = ResultOf<typeof Settings>;

function valuesOf(repository: Data['repository']) {
  return {
    name: repository?.name ?? '',
    description: repository?.description ?? null,
    retainVersions: repository?.retainVersions ?? null,
    remoteId: repository?.remote?.id ?? null,
    signaturePolicyId: repository?.signaturePolicy?.id ?? null,
  };
}

function SettingsForm({ data }: { readonly data: Data }) {
  const navigate = useNavigate();
  const { repository } = data;
  const { values, set } = useValues(() => valuesOf(repository));
  const { submit, busy, at, elsewhere, error } = useSubmit(Update, (result) => result.repositoryUpdate);
  if (repository === null) return null;
  const save = async (event: FormEvent) => {
    event.preventDefault();
    const done = await submit({ input: { id: repository.id, ...values } });
    if (done?.repository && done.repository.name !== repository.name)
      await navigate({
        to: '/repositories/$',
        params: { _splat: done.repository.name },
        search: { tab: 'settings' },
      });
  };
  const others = elsewhere('name', 'description', 'retainVersions', 'remoteId', 'signaturePolicyId');
  return (
    <Stack gap="md" maw={680}>
      <Panel title="Settings">
        <form onSubmit={(event) => void save(event)}>
          <Stack gap="sm">
            <SettingFields values={values} set={set} at={at} data={data} />
            {others.length > 0 ? <Alert color="red">{others.join(' ')}</Alert> : null}
            <Problem error={error} />
            <Group justify="flex-end">
              <Button type="submit" loading={busy}>
                Save
              </Button>
            </Group>
          </Stack>
        </form>
      </Panel>
      <DeleteRepository id={repository.id} name={repository.name} isMirrored={repository.isMirrored} />
    </Stack>
  );
}

interface FieldsProps extends FieldProps<ReturnType<typeof valuesOf>> {
  readonly data: Data;
}

function SettingFields({ values, set, at, data: { remotes, signaturePolicies } }: FieldsProps) {
  return (
    <>
      <TextInput
        label="Name"
        value={values.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        error={at('name')}
      />
      <Textarea
        label="Description"
        autosize
        minRows={2}
        value={values.description ?? ''}
        onChange={(event) => set({ description: event.currentTarget.value || null })}
        error={at('description')}
      />
      <NumberInput
        label="Versions to keep"
        description="Empty: all. A version that a distribution serves is always kept."
        min={1}
        value={values.retainVersions ?? ''}
        onChange={(value) => set({ retainVersions: typeof value === 'number' ? value : null })}
        error={at('retainVersions')}
      />
      <Choice
        label="Remote"
        none="No remote"
        value={values.remoteId}
        options={remotes.nodes}
        onChange={(remoteId) => set({ remoteId })}
        error={at('remoteId')}
      />
      <Choice
        label="Signature policy"
        none="The remote's policy"
        value={values.signaturePolicyId}
        options={signaturePolicies.nodes}
        onChange={(signaturePolicyId) => set({ signaturePolicyId })}
        error={at('signaturePolicyId')}
      />
    </>
  );
}
