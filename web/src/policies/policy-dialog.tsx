import { Select, TextInput, Textarea } from '@mantine/core';
import { useQuery } from 'urql';
import type { ResultOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { DeleteButton } from '../shared/forms/delete-button.tsx';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
import { useValues } from '../shared/forms/fields.ts';
import type { FieldProps } from '../shared/forms/fields.ts';
import { LoadingDialog } from '../shared/forms/loading-dialog.tsx';
import { CreatePolicy, DeletePolicy, PolicyQuery, UpdatePolicy } from './policy-queries.ts';
import { identitiesOf, identityLines, keysOf } from './policy-texts.ts';

interface Props {
  readonly id: string | undefined;
  readonly onClose: () => void;
}

export function PolicyDialog({ id, onClose }: Props) {
  const [{ data, error }] = useQuery({
    query: PolicyQuery,
    variables: { id: id ?? '', known: id !== undefined },
  });
  if (data !== undefined && (id === undefined || data.signaturePolicy != null))
    return <PolicyForm data={data} onClose={onClose} />;
  return (
    <LoadingDialog
      title="Signature policy"
      noun="policy"
      isLoaded={data !== undefined}
      error={error}
      onClose={onClose}
    />
  );
}

interface FormProps {
  readonly data: ResultOf<typeof PolicyQuery>;
  readonly onClose: () => void;
}

function valuesOf(policy: FormProps['data']['signaturePolicy']) {
  return {
    name: policy?.name ?? '',
    keys: policy?.keys.join('\n') ?? '',
    openPgpKeys: policy?.openPgpKeys.join('\n') ?? '',
    identities: identityLines(policy?.identities ?? []),
    onFailure: policy?.onFailure ?? 'SKIP_TAG',
  };
}

type Values = ReturnType<typeof valuesOf>;

function inputOf({ name, keys, openPgpKeys, identities, onFailure }: Values) {
  return {
    name,
    keys: keysOf(keys),
    openPgpKeys: keysOf(openPgpKeys),
    identities: identitiesOf(identities),
    onFailure,
  };
}

function PolicyForm({ data, onClose }: FormProps) {
  const before = data.signaturePolicy ?? undefined;
  const { values, set } = useValues(() => valuesOf(before));
  const creation = useSubmit(CreatePolicy, (result) => result.signaturePolicyCreate);
  const update = useSubmit(UpdatePolicy, (result) => result.signaturePolicyUpdate);
  const deletion = useSubmit(DeletePolicy, (result) => result.signaturePolicyDelete);
  const form = before === undefined ? creation : update;
  const save = async () => {
    const fields = inputOf(values);
    const done =
      before === undefined
        ? await creation.submit({ input: fields })
        : await update.submit({ input: { id: before.id, ...fields } });
    if (done !== undefined) onClose();
  };
  return (
    <EditDialog
      title={before === undefined ? 'New signature policy' : before.name}
      onClose={onClose}
      onSubmit={() => void save()}
      submitLabel={before === undefined ? 'Create' : 'Save'}
      busy={form.busy}
      error={form.error}
      others={form.elsewhere(...Object.keys(values))}
      aside={
        before && (
          <DeleteButton
            id={before.id}
            question={`The policy ${before.name} is deleted. It must not be in use.`}
            deletion={deletion}
            onDone={onClose}
          />
        )
      }
    >
      <PolicyFields values={values} set={set} at={form.at} />
    </EditDialog>
  );
}

function PolicyFields({ values, set, at }: FieldProps<Values>) {
  return (
    <>
      <TextInput
        label="Name"
        required
        value={values.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        error={at('name')}
        data-autofocus
      />
      <SignerFields values={values} set={set} at={at} />
      <Select
        label="An image without a valid signature"
        allowDeselect={false}
        data={[
          { value: 'SKIP_TAG', label: 'is skipped' },
          { value: 'FAIL_SYNC', label: 'fails the sync' },
        ]}
        value={values.onFailure}
        onChange={(value) => value !== null && set({ onFailure: value })}
        error={at('onFailure')}
      />
    </>
  );
}

/** Whose signatures are valid. */
function SignerFields({ values, set, at }: FieldProps<Values>) {
  return (
    <>
      <Textarea
        label="Cosign keys"
        description="Public keys in PEM, one after the other"
        autosize
        minRows={3}
        maxRows={10}
        value={values.keys}
        onChange={(event) => set({ keys: event.currentTarget.value })}
        error={at('keys')}
      />
      <Textarea
        label="OpenPGP keys"
        description="Armored public keys, one after the other"
        autosize
        minRows={2}
        maxRows={10}
        value={values.openPgpKeys}
        onChange={(event) => set({ openPgpKeys: event.currentTarget.value })}
        error={at('openPgpKeys')}
      />
      <Textarea
        label="Identities"
        description="One a line: subject, a space, the issuer's address"
        autosize
        minRows={2}
        maxRows={8}
        value={values.identities}
        onChange={(event) => set({ identities: event.currentTarget.value })}
        error={at('identities')}
      />
    </>
  );
}
