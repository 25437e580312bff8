import { Autocomplete } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';

const TagNames = graphql(`
  query TagNames($name: String!, $filter: String!) {
    repository(name: $name) {
      id
      latestVersion {
        id
        tags(first: 20, name: $filter) {
          nodes {
            id
            name
          }
        }
      }
    }
  }
`);

interface Props {
  readonly name: string;
  readonly value: string;
  readonly onChange: (tag: string) => void;
  readonly label?: string;
}

/** A tag by name; tags of the latest version are offered, any other name may be typed. */
export function TagSelect({ name, value, onChange, label = 'Tag' }: Props) {
  const [text, setText] = useState(value);
  const [filter] = useDebouncedValue(text, 150);
  const [{ data }] = useQuery({
    query: TagNames,
    variables: { name, filter: text === value ? '*' : `*${filter}*` },
  });
  return (
    <Autocomplete
      label={label}
      w={260}
      value={text}
      onChange={setText}
      onOptionSubmit={(tag) => onChange(tag)}
      onKeyDown={(event) => event.key === 'Enter' && text !== '' && onChange(text)}
      onBlur={() => text !== '' && text !== value && onChange(text)}
      data={data?.repository?.latestVersion?.tags.nodes.map((tag) => tag.name) ?? []}
      filter={({ options }) => options}
    />
  );
}
