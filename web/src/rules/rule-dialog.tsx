import { useState } from 'react';
import { useQuery } from 'urql';
import type { ResultOf } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { FieldTabs } from '../shared/forms/field-tabs.tsx';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
import { LoadingDialog } from '../shared/forms/loading-dialog.tsx';
import { MirrorFields } from './mirror-fields.tsx';
import { CreateRule, RuleFormQuery, UpdateRule } from './rule-queries.ts';
import { inputOf, valuesOf } from './rule-values.ts';
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

/** The fields of each tab. */
const tabs = {
  source: {
    tab: 'source',
    label: 'Registry',
    fields: ['name', 'url', 'credentialId', 'username', 'password'],
  },
  selection: {
    tab: 'selection',
    label: 'Repositories',
    fields: [
      'discovery',
      'repositories',
      'includeRepositories',
      'excludeRepositories',
      'stripPrefix',
      'targetPrefix',
      'repositoriesAtMost',
    ],
  },
  mirror: {
    tab: 'mirror',
    label: 'Tags and layers',
    fields: ['includeTags', 'excludeTags', 'policy', 'mirror'],
  },
  run: { tab: 'run', label: 'Runs', fields: ['cron', 'intervalSeconds', 'timeZone', 'paused'] },
} as const;

function RuleForm({
  data,
  onClose,
}: {
  readonly data: ResultOf<typeof RuleFormQuery>;
  readonly onClose: Props['onClose'];
}) {
  const rule = data.mirrorRule ?? undefined;
  const [stored] = useState(() => valuesOf(rule));
  const [values, setValues] = useState(stored);
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
  const fields = {
    values,
    at: form.at,
    set: (changes: Partial<typeof values>) => setValues((before) => ({ ...before, ...changes })),
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
        tabs={[
          {
            ...tabs.source,
            panel: (
              <SourceFields {...fields} isNew={rule === undefined} credentials={data.credentials.nodes} />
            ),
          },
          { ...tabs.selection, panel: <SelectionFields {...fields} /> },
          { ...tabs.mirror, panel: <MirrorFields {...fields} /> },
          { ...tabs.run, panel: <RunFields {...fields} /> },
        ]}
      />
    </EditDialog>
  );
}
