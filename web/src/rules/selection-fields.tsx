import { Group, NumberInput, Select, Stack, TagsInput, TextInput } from '@mantine/core';
import { TextLists } from '../shared/forms/text-lists.tsx';
import { discoveries } from './discoveries.ts';
import type { RuleProps } from './rule-values.ts';

const globs = [
  {
    field: 'includeRepositories',
    label: 'Take these repositories',
    description:
      'For example team/** or {a,b}/*; empty: every repository. Quay, Docker Hub, GitLab and Google need globs that begin with a namespace',
  },
  { field: 'excludeRepositories', label: 'Except these', description: 'In the same notation' },
] as const;

/** Which repositories of the registry, and their names here. */
export function SelectionFields({ values, set, at }: RuleProps) {
  return (
    <Stack gap="sm">
      <Select
        label="Repositories are found by"
        allowDeselect={false}
        data={[...discoveries]}
        value={values.discovery}
        onChange={(discovery) => discovery !== null && set({ discovery })}
        error={at('discovery')}
      />
      {values.discovery === 'LIST' ? (
        <TagsInput
          label="Names at the upstream"
          description="For example library/nginx"
          required
          acceptValueOnBlur
          value={[...(values.repositories ?? [])]}
          onChange={(all) => set({ repositories: all.length === 0 ? null : all })}
          error={at('repositories')}
        />
      ) : null}
      <TextLists lists={globs} values={values} onChange={(field, texts) => set({ [field]: texts })} at={at} />
      <Group grow align="flex-start">
        <TextInput
          label="Leave out of the name"
          description="Leading parts, for example library"
          value={values.stripPrefix ?? ''}
          onChange={(event) => set({ stripPrefix: event.currentTarget.value || null })}
          error={at('stripPrefix')}
        />
        <TextInput
          label="Put before the name"
          description="For example mirror/team"
          value={values.targetPrefix}
          onChange={(event) => set({ targetPrefix: event.currentTarget.value })}
          error={at('targetPrefix')}
        />
      </Group>
      <NumberInput
        label="At most so many repositories"
        description="A run that finds more changes nothing"
        min={1}
        max={100_000}
        value={values.repositoriesAtMost}
        onChange={(value) => typeof value === 'number' && set({ repositoriesAtMost: value })}
        error={at('repositoriesAtMost')}
      />
    </Stack>
  );
}
