import { Autocomplete, Kbd } from '@mantine/core';
import { useDebouncedValue, useHotkeys } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import classes from './frame.module.css';
import { IconSearch } from './icons.ts';

const Find = graphql(`
  query Find($name: String!) {
    repositories(first: 8, name: $name) {
      nodes {
        id
        name
      }
    }
  }
`);

/** Finds repositories by a part of the name, and a tag by `repository:tag`. */
export function SearchField() {
  const navigate = useNavigate();
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [wanted] = useDebouncedValue(text.trim(), 150);
  const [repository = '', tag] = wanted.split(':');
  useHotkeys([['/', () => field.current?.focus()]]);
  const [{ data }] = useQuery({
    query: Find,
    variables: { name: `*${repository}*` },
    pause: repository === '',
  });
  const names = repository === '' ? [] : (data?.repositories.nodes.map(({ name }) => name) ?? []);
  const open = (name: string) => {
    setText('');
    field.current?.blur();
    void navigate({
      to: '/repositories/$',
      params: { _splat: name },
      search: tag === undefined ? {} : { tab: 'tags', filter: `${tag}*` },
    });
  };
  const search = () => {
    if (names.includes(repository)) return open(repository);
    void navigate({ to: '/repositories', search: repository === '' ? {} : { name: repository } });
  };
  return (
    <Autocomplete
      ref={field}
      className={classes.search}
      aria-label="Search repositories"
      placeholder="Search repositories, or repository:tag"
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={<Kbd size="xs">/</Kbd>}
      value={text}
      onChange={setText}
      onOptionSubmit={open}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && event.currentTarget.getAttribute('aria-activedescendant') === null)
          search();
        if (event.key === 'Escape') field.current?.blur();
      }}
      data={names}
      filter={({ options }) => options}
      comboboxProps={{ shadow: 'md' }}
      size="sm"
    />
  );
}
