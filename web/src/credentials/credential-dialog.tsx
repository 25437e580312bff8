import { Select, TextInput } from '@mantine/core';
import { useQuery } from 'urql';
import type { ResultOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { DeleteButton } from '../shared/forms/delete-button.tsx';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
import { useValues } from '../shared/forms/fields.ts';
import type { FieldProps } from '../shared/forms/fields.ts';
import { LoadingDialog } from '../shared/forms/loading-dialog.tsx';
import {
  CreateCredential,
  CredentialQuery,
  DeleteCredential,
  UpdateCredential,
} from './credential-queries.ts';
import { inputOf, kinds, valuesOf } from './credential-values.ts';
import type { Values } from './credential-values.ts';
import { KindFields } from './kind-fields.tsx';

interface Props {
  /** Undefined: a new one. */
  readonly id: string | undefined;
  readonly onClose: () => void;
}

export function CredentialDialog({ id, onClose }: Props) {
  const [{ data, error }] = useQuery({
    query: CredentialQuery,
    variables: { id: id ?? '', known: id !== undefined },
  });
  if (id === undefined || data?.credential != null)
    return <CredentialForm credential={data?.credential ?? undefined} onClose={onClose} />;
  return (
    <LoadingDialog
      title="Credential"
      noun="credential"
      isLoaded={data !== undefined}
      error={error}
      onClose={onClose}
    />
  );
}

interface FormProps {
  readonly credential: NonNullable<ResultOf<typeof CredentialQuery>['credential']> | undefined;
  readonly onClose: () => void;
}

function CredentialForm({ credential, onClose }: FormProps) {
  const { stored, values, set } = useValues(() => valuesOf(credential));
  const creation = useSubmit(CreateCredential, (result) => result.credentialCreate);
  const update = useSubmit(UpdateCredential, (result) => result.credentialUpdate);
  const deletion = useSubmit(DeleteCredential, (result) => result.credentialDelete);
  const form = credential === undefined ? creation : update;
  const save = async () => {
    const { name, kind } = values;
    const fields = { name, ...inputOf(values, stored) };
    const done =
      credential === undefined
        ? await creation.submit({ input: { kind, ...fields } })
        : await update.submit({ input: { id: credential.id, ...fields } });
    if (done !== undefined) onClose();
  };
  return (
    <EditDialog
      title={credential === undefined ? 'New credential' : credential.name}
      onClose={onClose}
      onSubmit={() => void save()}
      submitLabel={credential === undefined ? 'Create' : 'Save'}
      busy={form.busy}
      error={form.error}
      others={form.elsewhere(...Object.keys(values))}
      aside={
        credential && (
          <DeleteButton
            id={credential.id}
            question={`The credential ${credential.name} is deleted. No remote may use it.`}
            deletion={deletion}
            onDone={onClose}
          />
        )
      }
    >
      <CredentialFields values={values} set={set} at={form.at} credential={credential} />
    </EditDialog>
  );
}

function CredentialFields({
  values,
  set,
  at,
  credential,
}: FieldProps<Values> & Pick<FormProps, 'credential'>) {
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
      <Select
        label="Where the login comes from"
        allowDeselect={false}
        disabled={credential !== undefined}
        data={[...kinds]}
        value={values.kind}
        onChange={(kind) => kind !== null && set({ kind })}
        error={at('kind')}
      />
      <KindFields values={values} hasSecret={credential?.hasSecret ?? false} set={set} at={at} />
      <TextInput
        label="Hosts that may receive it"
        description="Separated by commas, for example *.example.com; empty: the default of the kind"
        value={values.hosts}
        onChange={(event) => set({ hosts: event.currentTarget.value })}
        error={at('hosts')}
      />
    </>
  );
}
