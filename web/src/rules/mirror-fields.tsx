import { Checkbox, Stack } from '@mantine/core';
import { BlobPolicyField } from '../remotes/blob-policy-field.tsx';
import { TextLists } from '../shared/forms/text-lists.tsx';
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
      <TextLists
        lists={lists}
        values={values}
        onChange={(field, texts) => set({ [field]: texts.length === 0 ? null : texts })}
        at={at}
      />
      <BlobPolicyField value={values.policy} onChange={(policy) => set({ policy })} error={at('policy')} />
      <Checkbox
        label="Mirror: also remove tags that the upstream no longer has"
        checked={values.mirror}
        onChange={(event) => set({ mirror: event.currentTarget.checked })}
        error={at('mirror')}
      />
    </Stack>
  );
}
