import { Stack } from '@mantine/core';
import { useState } from 'react';
import { useQuery } from 'urql';
import type { ResultOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { ContentFields } from '../remotes/content-fields.tsx';
import { settingTabs, tagFields } from '../remotes/setting-tabs.tsx';
import { TagFields } from '../remotes/tag-fields.tsx';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
import { FieldTabs } from '../shared/forms/field-tabs.tsx';
import type { FieldTab } from '../shared/forms/field-tabs.tsx';
import { changesOf, useValues } from '../shared/forms/fields.ts';
import { LoadingDialog } from '../shared/forms/loading-dialog.tsx';
import { CreateProxy, ProxyFormQuery, UpdateProxy } from './proxy-queries.ts';
import { valuesOf } from './proxy-values.ts';
import type { ProxyProps } from './proxy-values.ts';
import { SelectionFields } from './selection-fields.tsx';
import { SourceFields } from './source-fields.tsx';

interface Props {
  /** Undefined: a new one. */
  readonly id: string | undefined;
  /** @param basePath Of the saved proxy; undefined when nothing was saved. */
  readonly onClose: (basePath?: string) => void;
}

export function ProxyDialog({ id, onClose }: Props) {
  const [{ data, error }] = useQuery({
    query: ProxyFormQuery,
    variables: { id: id ?? '', known: id !== undefined },
  });
  if (data !== undefined && (id === undefined || data.proxy != null))
    return <ProxyForm data={data} onClose={onClose} />;
  return (
    <LoadingDialog
      title="Proxy"
      noun="proxy"
      isLoaded={data !== undefined}
      error={error}
      onClose={() => onClose()}
      size="lg"
    />
  );
}

interface FormProps {
  readonly data: ResultOf<typeof ProxyFormQuery>;
  readonly onClose: Props['onClose'];
}

function ProxyForm({ data, onClose }: FormProps) {
  const proxy = data.proxy ?? undefined;
  const { stored, values, set } = useValues(() => valuesOf(proxy));
  const [chosen, setChosen] = useState<string | null>('source');
  const creation = useSubmit(CreateProxy, (result) => result.proxyCreate);
  const update = useSubmit(UpdateProxy, (result) => result.proxyUpdate);
  const form = proxy === undefined ? creation : update;
  const save = async () => {
    setChosen(null);
    const { basePath, url } = values;
    const changes = changesOf(values, stored);
    const done =
      proxy === undefined
        ? await creation.submit({ input: { basePath, url, ...changes } })
        : await update.submit({ input: { id: proxy.id, ...changes } });
    if (done !== undefined) onClose(done.proxy?.basePath ?? basePath);
  };
  return (
    <EditDialog
      title={proxy === undefined ? 'New proxy' : proxy.basePath}
      onClose={() => onClose()}
      onSubmit={() => void save()}
      submitLabel={proxy === undefined ? 'Create' : 'Save'}
      busy={form.busy}
      error={form.error}
      others={form.elsewhere(...Object.keys(values))}
    >
      <FieldTabs
        at={form.at}
        chosen={chosen}
        onChoose={setChosen}
        tabs={tabsOf({ values, at: form.at, set }, data)}
      />
    </EditDialog>
  );
}

const selectionFields = [
  'includeRepositories',
  'excludeRepositories',
  'repositoriesAtMost',
  'private',
  'tagTtlSeconds',
  'notFoundTtlSeconds',
  'cacheBytes',
] as const;

function tabsOf(fields: ProxyProps, data: FormProps['data']): [FieldTab, ...FieldTab[]] {
  const credentials = data.credentials.nodes;
  return [
    {
      tab: 'source',
      label: 'Registry',
      fields: ['basePath', 'url', 'credentialId', 'username', 'password', 'namespaces'],
      panel: <SourceFields {...fields} isNew={data.proxy == null} credentials={credentials} />,
    },
    {
      tab: 'selection',
      label: 'Repositories',
      fields: selectionFields,
      panel: <SelectionFields {...fields} />,
    },
    {
      tab: 'tags',
      label: 'Tags and layers',
      fields: [...tagFields, 'policy', 'signaturePolicyId'],
      panel: (
        <Stack gap="sm">
          <TagFields {...fields} />
          <ContentFields {...fields} policies={data.signaturePolicies.nodes} />
        </Stack>
      ),
    },
    ...settingTabs({ fields, credentials }),
  ];
}
