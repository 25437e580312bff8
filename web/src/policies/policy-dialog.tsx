import { Select, TextInput, Textarea } from '@mantine/core';
import { useState } from 'react';
import { useQuery } from 'urql';
import type { ResultOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { ConfirmButton } from '../shared/forms/confirm-button.tsx';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
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

function PolicyForm({
  data,
  onClose,
}: {
  readonly data: ResultOf<typeof PolicyQuery>;
  readonly onClose: () => void;
}) {
  const before = data.signaturePolicy ?? undefined;
  const [values, setValues] = useState({
    name: before?.name ?? '',
    keys: before?.keys.join('\n') ?? '',
    openPgpKeys: before?.openPgpKeys.join('\n') ?? '',
    identities: identityLines(before?.identities ?? []),
    onFailure: before?.onFailure ?? 'SKIP_TAG',
  });
  const creation = useSubmit(CreatePolicy, (result) => result.signaturePolicyCreate);
  const update = useSubmit(UpdatePolicy, (result) => result.signaturePolicyUpdate);
  const deletion = useSubmit(DeletePolicy, (result) => result.signaturePolicyDelete);
  const form = before === undefined ? creation : update;
  const set = (fields: Partial<typeof values>) => setValues({ ...values, ...fields });
  const save = async () => {
    const fields = {
      name: values.name,
      keys: keysOf(values.keys),
      openPgpKeys: keysOf(values.openPgpKeys),
      identities: identitiesOf(values.identities),
      onFailure: values.onFailure,
    };
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
        before === undefined ? null : (
          <ConfirmButton
            label="Delete"
            question={`The policy ${before.name} is deleted. It must not be in use.`}
            submission={deletion}
            onConfirm={async () => {
              if ((await deletion.submit({ input: { id: before.id } })) !== undefined) onClose();
            }}
          />
        )
      }
    >
      <TextInput
        label="Name"
        required
        value={values.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        error={form.at('name')}
        data-autofocus
      />
      <Textarea
        label="Cosign keys"
        description="Public keys in PEM, one after the other"
        autosize
        minRows={3}
        maxRows={10}
        value={values.keys}
        onChange={(event) => set({ keys: event.currentTarget.value })}
        error={form.at('keys')}
      />
      <Textarea
        label="OpenPGP keys"
        description="Armored public keys, one after the other"
        autosize
        minRows={2}
        maxRows={10}
        value={values.openPgpKeys}
        onChange={(event) => set({ openPgpKeys: event.currentTarget.value })}
        error={form.at('openPgpKeys')}
      />
      <Textarea
        label="Identities"
        description="One a line: subject, a space, the issuer's address"
        autosize
        minRows={2}
        maxRows={8}
        value={values.identities}
        onChange={(event) => set({ identities: event.currentTarget.value })}
        error={form.at('identities')}
      />
      <Select
        label="An image without a valid signature"
        allowDeselect={false}
        data={[
          { value: 'SKIP_TAG', label: 'is skipped' },
          { value: 'FAIL_SYNC', label: 'fails the sync' },
        ]}
        value={values.onFailure}
        onChange={(value) => value !== null && set({ onFailure: value })}
        error={form.at('onFailure')}
      />
    </EditDialog>
  );
}
