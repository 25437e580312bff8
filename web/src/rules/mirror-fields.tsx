import { Checkbox, Stack } from '@mantine/core';
import { ContentFields } from '../remotes/content-fields.tsx';
import { TagFields } from '../remotes/tag-fields.tsx';
import type { RuleProps } from './rule-values.ts';

interface Props extends RuleProps {
  readonly policies: readonly { readonly id: string; readonly name: string }[];
}

/** What the syncs of the rule's repositories take. */
export function MirrorFields({ policies, ...fields }: Props) {
  const { values, set, at } = fields;
  return (
    <Stack gap="sm">
      <TagFields {...fields} />
      <ContentFields {...fields} policies={policies} />
      <Checkbox
        label="Mirror: also remove tags that the upstream no longer has"
        checked={values.mirror}
        onChange={(event) => set({ mirror: event.currentTarget.checked })}
        error={at('mirror')}
      />
    </Stack>
  );
}
