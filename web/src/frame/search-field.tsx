import { Autocomplete, Kbd } from '@mantine/core';
import { useDebouncedValue, useHotkeys } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { taskTitle } from '../tasks/task-title.ts';
import classes from './frame.module.css';
import { IconSearch } from './icons.ts';

const Find = graphql(`
  query Find($text: String!) {
    search(text: $text, first: 6) {
      kind
      tag
      digest
      repository {
        id
        name
      }
      task {
        id
        name
        dryRun
        repositoryName
        rule {
          id
          name
        }
      }
    }
  }
`);

type Hit = ResultOf<typeof Find>['search'][number];

const groups: readonly { readonly kind: Hit['kind']; readonly group: string }[] = [
  { kind: 'TASK', group: 'Tasks' },
  { kind: 'REPOSITORY', group: 'Repositories' },
  { kind: 'TAG', group: 'Tags' },
  { kind: 'DIGEST', group: 'Digests' },
];

/** A hit as one line, which no other hit has. */
function lineOf({ kind, repository, tag, digest, task }: Hit): string {
  if (task !== null) return taskTitle(task);
  const name = repository?.name ?? '';
  if (kind === 'REPOSITORY') return name;
  return kind === 'TAG' ? `${name}:${tag}` : `${name}:${tag} has ${digest?.slice(0, 19)}`;
}

/** Finds repositories, tags, digests and tasks; `repository:tag` opens the tags of a repository. */
export function SearchField() {
  const navigate = useNavigate();
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [wanted] = useDebouncedValue(text.trim(), 150);
  const [, repository = wanted, filter] = /^(?!sha(?:256|512):)([^:]+):(.*)$/.exec(wanted) ?? [];
  useHotkeys([['/', () => field.current?.focus()]]);
  const [{ data }] = useQuery({ query: Find, variables: { text: repository }, pause: repository === '' });
  const hits = repository === '' ? [] : (data?.search ?? []);
  const shown = filter === undefined ? hits : hits.filter(({ kind }) => kind === 'REPOSITORY');
  const go = ({ kind, repository: found, tag, task }: Hit) => {
    setText('');
    field.current?.blur();
    if (task !== null) return void navigate({ to: '/tasks/$id', params: { id: task.id } });
    const search =
      kind === 'REPOSITORY'
        ? filter === undefined
          ? {}
          : { tab: 'tags' as const, filter: `${filter}*` }
        : { tab: 'tags' as const, ...(tag === null ? {} : { tag }) };
    return void navigate({ to: '/repositories/$', params: { _splat: found?.name ?? '' }, search });
  };
  const search = () => {
    const [first] = shown;
    const exact = shown.find(
      ({ kind, repository: found }) => kind === 'REPOSITORY' && found?.name === repository,
    );
    if (exact !== undefined) return go(exact);
    if (first !== undefined && !shown.some(({ kind }) => kind === 'REPOSITORY')) return go(first);
    return void navigate({ to: '/repositories', search: repository === '' ? {} : { name: repository } });
  };
  return (
    <Autocomplete
      ref={field}
      className={classes.search}
      aria-label="Search repositories, tags, digests and tasks"
      placeholder="Search repositories, tags, digests, tasks"
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={<Kbd size="xs">/</Kbd>}
      value={text}
      onChange={setText}
      onOptionSubmit={(line) => {
        const hit = shown.find((each) => lineOf(each) === line);
        if (hit !== undefined) go(hit);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && event.currentTarget.getAttribute('aria-activedescendant') === null)
          search();
        if (event.key === 'Escape') field.current?.blur();
      }}
      data={groups
        .map(({ kind, group }) => ({ group, items: shown.filter((hit) => hit.kind === kind).map(lineOf) }))
        .filter(({ items }) => items.length > 0)}
      filter={({ options }) => options}
      comboboxProps={{ shadow: 'md' }}
      size="sm"
    />
  );
}
