import { Checkbox, NumberInput, TextInput } from '@mantine/core';
import { useQuery } from 'urql';
import type { ResultOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { Choice } from '../shared/forms/choice.tsx';
import { DeleteButton } from '../shared/forms/delete-button.tsx';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
import { useValues } from '../shared/forms/fields.ts';
import type { FieldProps } from '../shared/forms/fields.ts';
import { LoadingDialog } from '../shared/forms/loading-dialog.tsx';
import {
  CreateDistribution,
  DeleteDistribution,
  DistributionQuery,
  PointDistribution,
  UpdateDistribution,
} from './distribution-queries.ts';
import { TargetFields } from './target-fields.tsx';
import { TargetHistory } from './target-history.tsx';

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

type Distribution = NonNullable<FormProps['data']['distribution']>;

function valuesOf(before: Distribution | undefined) {
  return {
    basePath: before?.basePath ?? '',
    private: before?.private,
    pullThrough: before?.pullThrough ?? false,
    tagTtlSeconds: before?.tagTtlSeconds ?? null,
    signaturePolicyId: before?.signaturePolicy?.id ?? null,
    repositoryId: before?.repository?.id ?? null,
    versionId: before?.version?.id ?? null,
  };
}

type Values = ReturnType<typeof valuesOf>;

function DistributionForm({ data, onClose }: FormProps) {
  const before = data.distribution ?? undefined;
  const { stored, values, set } = useValues(() => valuesOf(before));
  const { moved, form, pointing, save } = useSave(before, { values, stored });
  const deletion = useSubmit(DeleteDistribution, (result) => result.distributionDelete);
  const at = (field: string) => form.at(field) ?? pointing.at(field);
  return (
    <EditDialog
      title={before === undefined ? 'New distribution' : before.basePath}
      onClose={onClose}
      onSubmit={() => void save().then((isSaved) => isSaved && onClose())}
      submitLabel={before === undefined ? 'Create' : moved ? 'Save and move' : 'Save'}
      busy={form.busy || pointing.busy}
      error={form.error ?? pointing.error}
      others={[...form.elsewhere(...Object.keys(values)), ...pointing.elsewhere('repositoryId', 'versionId')]}
      aside={
        before && (
          <DeleteButton
            id={before.id}
            question={`Clients no longer pull from ${before.basePath}. The content stays.`}
            deletion={deletion}
            onDone={onClose}
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
        error={at('basePath')}
        data-autofocus
      />
      <TargetFields
        repositories={data.repositories.nodes}
        repositoryId={values.repositoryId}
        versionId={values.versionId}
        servedVersionId={before && (before.version?.id ?? before.repository?.latestVersion?.id)}
        onChange={(repositoryId, versionId) => set({ repositoryId, versionId })}
        error={at('repositoryId') ?? at('versionId')}
      />
      <AccessFields values={values} set={set} at={at} policies={data.signaturePolicies.nodes} />
      {before === undefined ? null : <TargetHistory moves={before.moves.nodes} />}
    </EditDialog>
  );
}

/** Creates the distribution; or changes it, and then points it elsewhere. */
function useSave(
  before: Distribution | undefined,
  { values, stored }: { readonly values: Values; readonly stored: Values },
) {
  const creation = useSubmit(CreateDistribution, (result) => result.distributionCreate);
  const update = useSubmit(UpdateDistribution, (result) => result.distributionUpdate);
  const pointing = useSubmit(PointDistribution, (result) => result.distributionPoint);
  const { repositoryId, versionId, basePath, private: isPrivate, ...plain } = values;
  const target = versionId === null ? { repositoryId } : { versionId };
  const moved = versionId !== stored.versionId || repositoryId !== stored.repositoryId;
  const fields = { ...plain, ...(isPrivate === undefined ? {} : { private: isPrivate }) };
  const save = async (): Promise<boolean> => {
    if (before === undefined)
      return (await creation.submit({ input: { basePath, ...fields, ...target } })) !== undefined;
    const { id } = before;
    const renamed = basePath === stored.basePath ? {} : { basePath };
    if ((await update.submit({ input: { id, ...fields, ...renamed } })) === undefined) return false;
    return !moved || (await pointing.submit({ input: { id, ...target } })) !== undefined;
  };
  return { moved, form: before === undefined ? creation : update, pointing, save };
}

interface AccessProps extends FieldProps<Values> {
  readonly policies: readonly { readonly id: string; readonly name: string }[];
}

/** Who may pull what. */
function AccessFields({ values, set, at, policies }: AccessProps) {
  return (
    <>
      <Checkbox
        label="Private: pulls need the role reader"
        checked={values.private ?? false}
        onChange={(event) => set({ private: event.currentTarget.checked })}
        error={at('private')}
      />
      <Checkbox
        label="Pull-through: fetch unknown tags from the remote"
        checked={values.pullThrough}
        onChange={(event) => set({ pullThrough: event.currentTarget.checked })}
        error={at('pullThrough')}
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
          error={at('tagTtlSeconds')}
        />
      ) : null}
      <Choice
        label="Signature policy"
        none="None of its own"
        value={values.signaturePolicyId}
        options={policies}
        onChange={(signaturePolicyId) => set({ signaturePolicyId })}
        error={at('signaturePolicyId')}
      />
    </>
  );
}
