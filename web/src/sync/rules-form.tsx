import { Checkbox, NumberInput, Select, Stack, TagsInput } from '@mantine/core';
import type { Rules } from './rules.ts';

export interface Options {
  readonly mirror: boolean;
  readonly pruneFiltered: boolean;
  readonly save: boolean;
}

interface Props {
  readonly rules: Rules;
  readonly options: Options;
  readonly onRules: (rules: Rules) => void;
  readonly onOptions: (options: Options) => void;
  /** Messages of the API for a rule. */
  readonly at: (field: string) => string | undefined;
  readonly changed: boolean;
}

const policies = [
  { value: 'IMMEDIATE', label: 'Fetch all blobs now' },
  { value: 'ON_DEMAND', label: 'Fetch layers at their first pull' },
  { value: 'STREAMED', label: 'Fetch layers at every pull, store none' },
];

const lists = [
  {
    field: 'includeTags',
    label: 'Take these tags',
    hint: 'Names and wildcards, for example 1.27.* – empty: every tag',
    placeholder: 'every tag',
  },
  {
    field: 'excludeTags',
    label: 'Except these',
    hint: 'Names and wildcards, for example *-rc*',
    placeholder: 'none',
  },
  { field: 'semverRanges', label: 'Version ranges', hint: 'For example >=1.26 <2', placeholder: 'none' },
  { field: 'platforms', label: 'Platforms', hint: 'For example linux/amd64', placeholder: 'all platforms' },
] as const;

/** Which tags a sync takes, and what it does about the others. */
export function RulesForm({ rules, options, onRules, onOptions, at, changed }: Props) {
  const set = (fields: Partial<Rules>) => onRules({ ...rules, ...fields });
  return (
    <Stack gap="sm">
      {lists.map(({ field, label, hint, placeholder }) => (
        <TagsInput
          key={field}
          label={label}
          description={hint}
          placeholder={rules[field].length === 0 ? placeholder : ''}
          value={[...rules[field]]}
          onChange={(values) => set({ [field]: values })}
          acceptValueOnBlur
          splitChars={[',']}
          error={at(field)}
        />
      ))}
      <NumberInput
        label="Only the newest"
        description="So many versions; empty: all that the rules above take"
        min={1}
        max={10_000}
        value={rules.newest ?? ''}
        onChange={(value) => set({ newest: typeof value === 'number' ? value : null })}
        error={at('newestTags')}
      />
      <Select
        label="Layers"
        allowDeselect={false}
        value={rules.policy}
        data={policies}
        onChange={(policy) => policy !== null && set({ policy: policy as Rules['policy'] })}
        error={at('policy')}
      />
      <OptionFields options={options} onOptions={onOptions} changed={changed} />
    </Stack>
  );
}

/** What becomes of other tags, and of the rules. */
function OptionFields({ options, onOptions, changed }: Pick<Props, 'options' | 'onOptions' | 'changed'>) {
  return (
    <>
      <Checkbox
        label="Mirror: also remove tags that the upstream no longer has"
        checked={options.mirror}
        onChange={(event) =>
          onOptions({ ...options, mirror: event.currentTarget.checked, pruneFiltered: false })
        }
      />
      {options.mirror ? (
        <Checkbox
          ml="lg"
          label="Remove tags that these rules leave out, too"
          checked={options.pruneFiltered}
          onChange={(event) => onOptions({ ...options, pruneFiltered: event.currentTarget.checked })}
        />
      ) : null}
      {changed ? (
        <Checkbox
          label="Keep these rules for later syncs and schedules"
          checked={options.save}
          onChange={(event) => onOptions({ ...options, save: event.currentTarget.checked })}
        />
      ) : null}
    </>
  );
}
