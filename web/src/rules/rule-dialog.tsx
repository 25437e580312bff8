import { useState } from 'react';
import { useQuery } from 'urql';
import type { ResultOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { settingTabs, tagFields } from '../remotes/setting-tabs.tsx';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
import { FieldTabs } from '../shared/forms/field-tabs.tsx';
import type { FieldTab } from '../shared/forms/field-tabs.tsx';
import { useValues } from '../shared/forms/fields.ts';
import { LoadingDialog } from '../shared/forms/loading-dialog.tsx';
import { MirrorFields } from './mirror-fields.tsx';
import { CreateRule, RuleFormQuery, UpdateRule } from './rule-queries.ts';
import { inputOf, valuesOf } from './rule-values.ts';
import type { RuleProps } from './rule-values.ts';
import { RunFields } from './run-fields.tsx';
import { SelectionFields } from './selection-fields.tsx';
import { SourceFields } from './source-fields.tsx';

interface Props {
  /** Undefined: a new one. */
  readonly id: string | undefined;
  /** @param name Of the saved rule; undefined when nothing was saved. */
  readonly onClose: (name?: string) => void;
}

export function RuleDialog({ id, onClose }: Props) {
  const [{ data, error }] = useQuery({
    query: RuleFormQuery,
    variables: { id: id ?? '', known: id !== undefined },
  });
  if (data !== undefined && (id === undefined || data.mirrorRule != null))
    return <RuleForm data={data} onClose={onClose} />;
  return (
    <LoadingDialog
      title="Mirror rule"
      noun="mirror rule"
      isLoaded={data !== undefined}
      error={error}
      onClose={() => onClose()}
      size="lg"
    />
  );
}

interface FormProps {
  readonly data: ResultOf<typeof RuleFormQuery>;
  readonly onClose: Props['onClose'];
}

function RuleForm({ data, onClose }: FormProps) {
  const rule = data.mirrorRule ?? undefined;
  const { stored, values, set } = useValues(() => valuesOf(rule));
  const [chosen, setChosen] = useState<string | null>('source');
  const creation = useSubmit(CreateRule, (result) => result.mirrorRuleCreate);
  const update = useSubmit(UpdateRule, (result) => result.mirrorRuleUpdate);
  const form = rule === undefined ? creation : update;
  const save = async () => {
    setChosen(null);
    const { name, url } = values;
    const changes = inputOf(values, stored);
    const done =
      rule === undefined
        ? await creation.submit({ input: { name, url, ...changes } })
        : await update.submit({ input: { id: rule.id, ...changes } });
    if (done !== undefined) onClose(done.mirrorRule?.name ?? values.name);
  };
  return (
    <EditDialog
      title={rule === undefined ? 'New mirror rule' : rule.name}
      onClose={() => onClose()}
      onSubmit={() => void save()}
      submitLabel={rule === undefined ? 'Create' : 'Save'}
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
  'discovery',
  'repositories',
  'includeRepositories',
  'excludeRepositories',
  'stripPrefix',
  'targetPrefix',
  'repositoriesAtMost',
] as const;

function tabsOf(fields: RuleProps, data: FormProps['data']): [FieldTab, ...FieldTab[]] {
  const credentials = data.credentials.nodes;
  return [
    {
      tab: 'source',
      label: 'Registry',
      fields: ['name', 'url', 'credentialId', 'username', 'password'],
      panel: <SourceFields {...fields} isNew={data.mirrorRule == null} credentials={credentials} />,
    },
    {
      tab: 'selection',
      label: 'Repositories',
      fields: selectionFields,
      panel: <SelectionFields {...fields} />,
    },
    {
      tab: 'mirror',
      label: 'Tags and layers',
      fields: [...tagFields, 'policy', 'signaturePolicyId', 'mirror'],
      panel: <MirrorFields {...fields} policies={data.signaturePolicies.nodes} />,
    },
    ...settingTabs({ fields, credentials }),
    {
      tab: 'run',
      label: 'Runs',
      fields: ['cron', 'intervalSeconds', 'timeZone', 'paused'],
      panel: <RunFields {...fields} />,
    },
  ];
}
