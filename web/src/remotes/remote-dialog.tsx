import { Button } from '@mantine/core';
import { useState } from 'react';
import { useQuery } from 'urql';
import type { ResultOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { ConfirmButton } from '../shared/forms/confirm-button.tsx';
import { FieldTabs } from '../shared/forms/field-tabs.tsx';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
import { LoadingDialog } from '../shared/forms/loading-dialog.tsx';
import { ConnectionFields } from './connection-fields.tsx';
import { CreateRemote, DeleteRemote, RemoteQuery, TestRemote, UpdateRemote } from './remote-queries.ts';
import { TestResult } from './test-result.tsx';
import { FallbackFields } from './fallback-fields.tsx';
import { TagFields } from './tag-fields.tsx';
import { UpstreamFields } from './upstream-fields.tsx';
import { inputOf, valuesOf } from './remote-values.ts';

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

/** The fields of each tab. */
const tabs = {
  upstream: {
    tab: 'upstream',
    label: 'Upstream',
    fields: [
      'name',
      'url',
      'upstreamName',
      'credentialId',
      'username',
      'password',
      'policy',
      'signaturePolicyId',
    ],
  },
  tags: {
    tab: 'tags',
    label: 'Tags',
    fields: [
      'includeTags',
      'includeTagPatterns',
      'semverRanges',
      'excludeTags',
      'excludeTagPatterns',
      'platforms',
      'immutableTags',
      'newestTags',
      'minimumAgeSeconds',
      'tagFailures',
    ],
  },
  fallbacks: { tab: 'fallbacks', label: 'Fallbacks', fields: ['fallbacks'] },
  connection: {
    tab: 'connection',
    label: 'Connection',
    fields: [
      'downloadConcurrency',
      'rateLimit',
      'bytesPerSecond',
      'syncWindows',
      'reserveRequests',
      'proxyUrl',
      'sslValidation',
      'sslCaCertificate',
    ],
  },
} as const;

function RemoteForm({
  data,
  onClose,
}: {
  readonly data: ResultOf<typeof RemoteQuery>;
  readonly onClose: () => void;
}) {
  const remote = data.remote ?? undefined;
  const [stored] = useState(() => valuesOf(remote));
  const [values, setValues] = useState(stored);
  const [chosen, setChosen] = useState<string | null>(tabs.upstream.tab);
  const creation = useSubmit(CreateRemote, (result) => result.remoteCreate);
  const update = useSubmit(UpdateRemote, (result) => result.remoteUpdate);
  const deletion = useSubmit(DeleteRemote, (result) => result.remoteDelete);
  const testing = useSubmit(TestRemote, (result) => result.remoteTest);
  const [test, setTest] = useState<NonNullable<ResultOf<typeof TestRemote>['remoteTest']['test']>>();
  const form = remote === undefined ? creation : update;
  const save = async () => {
    setChosen(null);
    const fields = inputOf(values, stored);
    const done =
      remote === undefined
        ? await creation.submit({
            input: {
              name: values.name,
              url: values.url,
              upstreamName: values.upstreamName,
              ...fields,
            },
          })
        : await update.submit({ input: { id: remote.id, ...fields } });
    if (done !== undefined) onClose();
  };
  const runTest = async (id: string) => {
    const done = await testing.submit({ input: { id } });
    setTest(done?.test ?? undefined);
  };
  const fields = {
    values,
    at: form.at,
    set: (changes: Partial<typeof values>) => setValues({ ...values, ...changes }),
  };
  return (
    <EditDialog
      title={remote === undefined ? 'New remote' : remote.name}
      onClose={onClose}
      onSubmit={() => void save()}
      submitLabel={remote === undefined ? 'Create' : 'Save'}
      busy={form.busy}
      error={form.error ?? testing.error}
      others={form.elsewhere(...Object.keys(values), 'newestTags')}
      aside={
        remote === undefined ? null : (
          <>
            <Button
              size="compact-sm"
              variant="subtle"
              loading={testing.busy}
              onClick={() => void runTest(remote.id)}
            >
              Test
            </Button>
            <ConfirmButton
              label="Delete"
              question={`The remote ${remote.name} is deleted. Repositories and their content stay.`}
              submission={deletion}
              onConfirm={async () => {
                if ((await deletion.submit({ input: { id: remote.id } })) !== undefined) onClose();
              }}
            />
          </>
        )
      }
    >
      <FieldTabs
        at={form.at}
        chosen={chosen}
        onChoose={setChosen}
        tabs={[
          {
            ...tabs.upstream,
            panel: (
              <UpstreamFields
                {...fields}
                hasPassword={remote?.hasPassword ?? false}
                credentials={data.credentials.nodes}
                policies={data.signaturePolicies.nodes}
              />
            ),
          },
          { ...tabs.tags, panel: <TagFields {...fields} /> },
          {
            ...tabs.fallbacks,
            panel: <FallbackFields {...fields} credentials={data.credentials.nodes} />,
          },
          { ...tabs.connection, panel: <ConnectionFields {...fields} /> },
        ]}
      />
      {test === undefined ? null : <TestResult test={test} />}
    </EditDialog>
  );
}
