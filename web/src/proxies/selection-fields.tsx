import { Group, NumberInput, Select, Stack } from '@mantine/core';
import { TextLists } from '../shared/forms/text-lists.tsx';
import type { ProxyProps } from './proxy-values.ts';

const globs = [
  {
    field: 'includeRepositories',
    label: 'Take these repositories',
    description: 'For example library/** or {a,b}/*; empty: every repository',
  },
  { field: 'excludeRepositories', label: 'Except these', description: 'In the same notation' },
] as const;

const gibibyte = 1024 ** 3;

/** Who may pull the repositories that it makes. */
const readers = [
  { value: 'null', label: 'Those with the role reader, while logins are on' },
  { value: 'true', label: 'Those with the role reader' },
  { value: 'false', label: 'Everybody' },
];

/** Which repositories are made at a pull, who may pull them, and how long answers of the upstream count. */
export function SelectionFields({ values, set, at }: ProxyProps) {
  return (
    <Stack gap="sm">
      <TextLists lists={globs} values={values} onChange={(field, texts) => set({ [field]: texts })} at={at} />
      <NumberInput
        label="At most so many repositories"
        description="A pull that needs one more is refused"
        min={1}
        max={100_000}
        value={values.repositoriesAtMost}
        onChange={(value) => typeof value === 'number' && set({ repositoriesAtMost: value })}
        error={at('repositoriesAtMost')}
      />
      <Select
        label="Pulls are for"
        allowDeselect={false}
        data={readers}
        value={String(values.private)}
        onChange={(value) => set({ private: value === 'null' ? null : value === 'true' })}
        error={at('private')}
      />
      <Group grow align="flex-start">
        <NumberInput
          label="Tags are served for … seconds"
          description="Without asking the upstream again"
          min={0}
          value={values.tagTtlSeconds}
          onChange={(value) => typeof value === 'number' && set({ tagTtlSeconds: value })}
          error={at('tagTtlSeconds')}
        />
        <NumberInput
          label="Misses are kept for … seconds"
          description="Names that the upstream lacks"
          min={0}
          value={values.notFoundTtlSeconds}
          onChange={(value) => typeof value === 'number' && set({ notFoundTtlSeconds: value })}
          error={at('notFoundTtlSeconds')}
        />
      </Group>
      <NumberInput
        label="Cache limit in GiB"
        description="Beyond it, the least recently pulled layers leave; empty: no limit of its own"
        min={0}
        value={values.cacheBytes === null ? '' : values.cacheBytes / gibibyte}
        onChange={(value) =>
          set({ cacheBytes: typeof value === 'number' ? Math.round(value * gibibyte) : null })
        }
        error={at('cacheBytes')}
      />
    </Stack>
  );
}
