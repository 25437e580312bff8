import { Checkbox, Select, Stack, TagsInput } from '@mantine/core';
import { blobPolicies } from '../remotes/blob-policies.ts';
import type { FieldProps } from './rule-values.ts';

const lists = [
  {
    field: 'includeTags',
    label: 'Take these tags',
    description: 'Names and wildcards; empty: every tag',
  },
  { field: 'excludeTags', label: 'Except these tags', description: 'Names and wildcards' },
] as const;

/** The settings of the remotes that the rule makes. */
export function MirrorFields({ values, set, at }: FieldProps) {
  return (
    <Stack gap="sm">
      {lists.map(({ field, label, description }) => (
        <TagsInput
          key={field}
          label={label}
          description={description}
          acceptValueOnBlur
          splitChars={[]}
          value={[...(values[field] ?? [])]}
          onChange={(all) => set({ [field]: all.length === 0 ? null : all })}
          error={at(field)}
        />
      ))}
      <Select
        label="Layers"
        allowDeselect={false}
        data={blobPolicies}
        value={values.policy}
        onChange={(policy) => policy !== null && set({ policy })}
        error={at('policy')}
      />
      <Checkbox
        label="Mirror: also remove tags that the upstream no longer has"
        checked={values.mirror}
        onChange={(event) => set({ mirror: event.currentTarget.checked })}
        error={at('mirror')}
      />
    </Stack>
  );
}
