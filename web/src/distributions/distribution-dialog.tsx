import { Checkbox, NumberInput, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useQuery } from 'urql';
import type { ResultOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { Choice } from '../shared/forms/choice.tsx';
import { ConfirmButton } from '../shared/forms/confirm-button.tsx';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
import { LoadingDialog } from '../shared/forms/loading-dialog.tsx';
import { When } from '../shared/when.tsx';
import {
  CreateDistribution,
  DeleteDistribution,
  DistributionQuery,
  PointDistribution,
  UpdateDistribution,
} from './distribution-queries.ts';
import { TargetFields } from './target-fields.tsx';

interface Props {
  readonly id: string | undefined;
  readonly onClose: () => void;
}

export function DistributionDialog({ id, onClose }: Props) {
  const [{ data, error }] = useQuery({
    query: DistributionQuery,
    variables: { id: id ?? '', known: id !== undefined },
  });
  if (data !== undefined && (id === undefined || data.distribution != null))
    return <DistributionForm data={data} onClose={onClose} />;
  return (
    <LoadingDialog
      title="Distribution"
      noun="distribution"
      isLoaded={data !== undefined}
      error={error}
      onClose={onClose}
    />
  );
}

interface FormProps {
  readonly data: ResultOf<typeof DistributionQuery>;
  readonly onClose: () => void;
}

function DistributionForm({ data, onClose }: FormProps) {
  const before = data.distribution ?? undefined;
  const [values, setValues] = useState({
    basePath: before?.basePath ?? '',
    private: before?.private,
    pullThrough: before?.pullThrough ?? false,
    tagTtlSeconds: before?.tagTtlSeconds ?? null,
    signaturePolicyId: before?.signaturePolicy?.id ?? null,
  });
  const [repositoryId, setRepositoryId] = useState(before?.repository?.id ?? null);
  const [versionId, setVersionId] = useState(before?.version?.id ?? null);
  const creation = useSubmit(CreateDistribution, (result) => result.distributionCreate);
  const update = useSubmit(UpdateDistribution, (result) => result.distributionUpdate);
  const pointing = useSubmit(PointDistribution, (result) => result.distributionPoint);
  const deletion = useSubmit(DeleteDistribution, (result) => result.distributionDelete);
  const set = (fields: Partial<typeof values>) => setValues({ ...values, ...fields });
  const target = versionId === null ? { repositoryId } : { versionId };
  const moved =
    versionId !== (before?.version?.id ?? null) || repositoryId !== (before?.repository?.id ?? null);
  const save = async () => {
    const { private: isPrivate, ...plain } = values;
    const fields = { ...plain, ...(isPrivate === undefined ? {} : { private: isPrivate }) };
    if (before === undefined) {
      if ((await creation.submit({ input: { ...fields, ...target } })) !== undefined) onClose();
      return;
    }
    const isRenamed = values.basePath !== before.basePath;
    const { basePath, ...rest } = fields;
    const updated = await update.submit({
      input: { id: before.id, ...rest, ...(isRenamed ? { basePath } : {}) },
    });
    const pointed =
      updated === undefined
        ? undefined
        : moved
          ? await pointing.submit({ input: { id: before.id, ...target } })
          : updated;
    if (pointed !== undefined) onClose();
  };
  const form = before === undefined ? creation : update;
  return (
    <EditDialog
      title={before === undefined ? 'New distribution' : before.basePath}
      onClose={onClose}
      onSubmit={() => void save()}
      submitLabel={before === undefined ? 'Create' : moved ? 'Save and move' : 'Save'}
      busy={form.busy || pointing.busy}
      error={form.error ?? pointing.error}
      others={[
        ...form.elsewhere(
          'basePath',
          'private',
          'pullThrough',
          'tagTtlSeconds',
          'signaturePolicyId',
          'repositoryId',
          'versionId',
        ),
        ...pointing.elsewhere('repositoryId', 'versionId'),
      ]}
      aside={
        before === undefined ? null : (
          <ConfirmButton
            label="Delete"
            question={`Clients no longer pull from ${before.basePath}. The content stays.`}
            submission={deletion}
            onConfirm={async () => {
              if ((await deletion.submit({ input: { id: before.id } })) !== undefined) onClose();
            }}
          />
        )
      }
    >
      <TextInput
        label="Base path"
        description="Clients pull host/base-path:tag"
        required
        value={values.basePath}
        onChange={(event) => set({ basePath: event.currentTarget.value })}
        error={form.at('basePath')}
        data-autofocus
      />
      <TargetFields
        repositories={data.repositories.nodes}
        repositoryId={repositoryId}
        versionId={versionId}
        servedVersionId={
          before === undefined ? undefined : (before.version?.id ?? before.repository?.latestVersion?.id)
        }
        onChange={(repository, version) => {
          setRepositoryId(repository);
          setVersionId(version);
        }}
        error={
          form.at('repositoryId') ??
          form.at('versionId') ??
          pointing.at('versionId') ??
          pointing.at('repositoryId')
        }
      />
      <Checkbox
        label="Private: pulls need the role reader"
        checked={values.private ?? false}
        onChange={(event) => set({ private: event.currentTarget.checked })}
        error={form.at('private')}
      />
      <Checkbox
        label="Pull-through: fetch unknown tags from the remote"
        checked={values.pullThrough}
        onChange={(event) => set({ pullThrough: event.currentTarget.checked })}
        error={form.at('pullThrough')}
      />
      {values.pullThrough ? (
        <NumberInput
          label="Ask the remote about a tag after"
          description="Empty: stored tags are moved by syncs only"
          suffix=" s"
          min={0}
          max={31_536_000}
          allowDecimal={false}
          value={values.tagTtlSeconds ?? ''}
          onChange={(value) => set({ tagTtlSeconds: typeof value === 'number' ? value : null })}
          error={form.at('tagTtlSeconds')}
        />
      ) : null}
      <Choice
        label="Signature policy"
        none="None of its own"
        value={values.signaturePolicyId}
        options={data.signaturePolicies.nodes}
        onChange={(signaturePolicyId) => set({ signaturePolicyId })}
        error={form.at('signaturePolicyId')}
      />
      {before === undefined || before.moves.nodes.length === 0 ? null : (
        <section aria-label="Target history">
          <Text size="xs" c="dimmed" fw={600}>
            Target history
          </Text>
          {before.moves.nodes.map(({ movedAt, fromVersionNumber, toVersionNumber, toRepository }) => (
            <Text key={movedAt} size="sm">
              <When at={movedAt} />: {fromVersionNumber === null ? 'the latest' : `v${fromVersionNumber}`} →{' '}
              {toVersionNumber === null ? 'the latest' : `v${toVersionNumber}`} of{' '}
              {toRepository?.name ?? 'a deleted repository'}
            </Text>
          ))}
        </section>
      )}
    </EditDialog>
  );
}
