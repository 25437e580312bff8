import { useState } from 'react';
import { useQuery } from 'urql';
import type { ResultOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
import { FieldTabs } from '../shared/forms/field-tabs.tsx';
import { changesOf, useValues } from '../shared/forms/fields.ts';
import { LoadingDialog } from '../shared/forms/loading-dialog.tsx';
import { RemoteActions } from './remote-actions.tsx';
import type { Tested } from './remote-actions.tsx';
import { CreateRemote, RemoteQuery, TestRemote, UpdateRemote } from './remote-queries.ts';
import { valuesOf } from './remote-values.ts';
import { settingTabs, tagFields } from './setting-tabs.tsx';
import { TagFields } from './tag-fields.tsx';
import { TestResult } from './test-result.tsx';
import { UpstreamFields } from './upstream-fields.tsx';

interface Props {
  /** Undefined: a new one. */
  readonly id: string | undefined;
  readonly onClose: () => void;
}

export function RemoteDialog({ id, onClose }: Props) {
  const [{ data, error }] = useQuery({
    query: RemoteQuery,
    variables: { id: id ?? '', known: id !== undefined },
  });
  if (data !== undefined && (id === undefined || data.remote != null))
    return <RemoteForm data={data} onClose={onClose} />;
  return (
    <LoadingDialog
      title="Remote"
      noun="remote"
      isLoaded={data !== undefined}
      error={error}
      onClose={onClose}
      size="lg"
    />
  );
}

const upstreamFields = [
  'name',
  'url',
  'upstreamName',
  'credentialId',
  'username',
  'password',
  'policy',
  'signaturePolicyId',
] as const;

interface FormProps {
  readonly data: ResultOf<typeof RemoteQuery>;
  readonly onClose: () => void;
}

function RemoteForm({ data, onClose }: FormProps) {
  const remote = data.remote ?? undefined;
  const { stored, values, set } = useValues(() => valuesOf(remote));
  const [chosen, setChosen] = useState<string | null>('upstream');
  const creation = useSubmit(CreateRemote, (result) => result.remoteCreate);
  const update = useSubmit(UpdateRemote, (result) => result.remoteUpdate);
  const testing = useSubmit(TestRemote, (result) => result.remoteTest);
  const [test, setTest] = useState<Tested>();
  const form = remote === undefined ? creation : update;
  const save = async () => {
    setChosen(null);
    const { name, url, upstreamName } = values;
    const changes = changesOf(values, stored);
    const done =
      remote === undefined
        ? await creation.submit({ input: { name, url, upstreamName, ...changes } })
        : await update.submit({ input: { id: remote.id, ...changes } });
    if (done !== undefined) onClose();
  };
  const fields = { values, at: form.at, set };
  const credentials = data.credentials.nodes;
  const upstream = { ...fields, credentials, hasPassword: remote?.hasPassword ?? false };
  return (
    <EditDialog
      title={remote === undefined ? 'New remote' : remote.name}
      onClose={onClose}
      onSubmit={() => void save()}
      submitLabel={remote === undefined ? 'Create' : 'Save'}
      busy={form.busy}
      error={form.error ?? testing.error}
      others={form.elsewhere(...Object.keys(values))}
      aside={
        remote && <RemoteActions remote={remote} testing={testing} onTested={setTest} onDeleted={onClose} />
      }
    >
      <FieldTabs
        at={form.at}
        chosen={chosen}
        onChoose={setChosen}
        tabs={[
          {
            tab: 'upstream',
            label: 'Upstream',
            fields: upstreamFields,
            panel: <UpstreamFields {...upstream} policies={data.signaturePolicies.nodes} />,
          },
          { tab: 'tags', label: 'Tags', fields: tagFields, panel: <TagFields {...fields} /> },
          ...settingTabs({ fields, credentials }),
        ]}
      />
      {test === undefined ? null : <TestResult test={test} />}
    </EditDialog>
  );
}
