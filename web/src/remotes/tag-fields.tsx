import { Checkbox, Group, NumberInput, Select, Stack, TextInput } from '@mantine/core';
import { TextLists } from '../shared/forms/text-lists.tsx';
import type { SettingsProps } from './settings-values.ts';

const lists = [
  {
    field: 'includeTags',
    label: 'Take these tags',
    description: 'Names, wildcards and digests; empty: every tag',
  },
  {
    field: 'includeTagPatterns',
    label: 'Or that match',
    description: 'Regular expressions of RE2 for the whole tag',
  },
  { field: 'semverRanges', label: 'Or in these version ranges', description: 'For example >=1.26 <2' },
  { field: 'excludeTags', label: 'Except these', description: 'Names and wildcards' },
  { field: 'excludeTagPatterns', label: 'Except what matches', description: 'Regular expressions of RE2' },
  { field: 'platforms', label: 'Platforms', description: 'For example linux/amd64; empty: all' },
  {
    field: 'immutableTags',
    label: 'Tags that never move',
    description: 'Names and wildcards; they are not asked for again',
  },
] as const;

const groups = [
  { value: 'ALL', label: 'of all' },
  { value: 'MAJOR', label: 'of each major version' },
  { value: 'MINOR', label: 'of each minor version' },
] as const;

export function TagFields(fields: SettingsProps) {
  const { values, set, at } = fields;
  return (
    <Stack gap="sm">
      <TextLists
        lists={lists}
        values={values}
        onChange={(field, texts) => set({ [field]: texts.length === 0 ? null : texts })}
        at={at}
      />
      <VersionFields {...fields} />
      <NewestFields {...fields} />
      <NumberInput
        label="Minimum age in seconds"
        description="A digest waits this long before its tag takes it; empty: no time"
        min={1}
        value={values.minimumAgeSeconds ?? ''}
        onChange={(value) => set({ minimumAgeSeconds: typeof value === 'number' ? value : null })}
        error={at('minimumAgeSeconds')}
      />
      <Select
        label="A tag that cannot be had"
        allowDeselect={false}
        data={[
          { value: 'SKIP_TAG', label: 'is skipped' },
          { value: 'FAIL_SYNC', label: 'fails the sync' },
        ]}
        value={values.tagFailures}
        onChange={(value) => value !== null && set({ tagFailures: value })}
        error={at('tagFailures')}
      />
    </Stack>
  );
}

/** Which versions the ranges take. */
function VersionFields({ values, set, at }: SettingsProps) {
  return (
    <>
      <TextInput
        label="Variant of the versions"
        description="For example alpine, for 1.27.4-alpine; empty: versions without one"
        value={values.semverSuffix ?? ''}
        onChange={(event) => set({ semverSuffix: event.currentTarget.value || null })}
        error={at('semverSuffix')}
      />
      <Checkbox
        label="Version ranges take pre-releases"
        checked={values.semverPrereleases}
        onChange={(event) => set({ semverPrereleases: event.currentTarget.checked })}
        error={at('semverPrereleases')}
      />
    </>
  );
}

const newest = { order: 'SEMVER', per: 'ALL' } as const;

/** How many of the selected tags are kept. */
function NewestFields({ values: { newestTags }, set, at }: SettingsProps) {
  return (
    <Group grow align="flex-start">
      <NumberInput
        label="Only the newest"
        min={1}
        max={10_000}
        value={newestTags?.count ?? ''}
        onChange={(count) =>
          set({ newestTags: typeof count === 'number' ? { ...newest, ...newestTags, count } : null })
        }
        error={at('newestTags')}
      />
      <Select
        label="Counted"
        allowDeselect={false}
        disabled={newestTags === null}
        data={[...groups]}
        value={newestTags?.per ?? newest.per}
        onChange={(per) => per !== null && newestTags !== null && set({ newestTags: { ...newestTags, per } })}
      />
    </Group>
  );
}
