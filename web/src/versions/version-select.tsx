import { Select } from '@mantine/core';
import { useState } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import { clockTime } from '../shared/time.ts';

const VersionNumbers = graphql(`
  query VersionNumbers($name: String!) {
    repository(name: $name) {
      id
      versions(first: 100) {
        nodes {
          id
          number
          createdAt
        }
      }
    }
  }
`);

/** The newest hundred versions of a repository. */
export function useVersions(name: string) {
  const [{ data }] = useQuery({ query: VersionNumbers, variables: { name } });
  return data?.repository?.versions.nodes;
}

interface Props {
  readonly name: string;
  readonly label: string;
  readonly value: number | undefined;
  readonly onChange: (number: number) => void;
}

export function VersionSelect({ name, label, value, onChange }: Props) {
  const versions = useVersions(name) ?? [];
  const [typed, setTyped] = useState('');
  const listed = versions.map(({ number, createdAt }) => ({
    value: String(number),
    label: `v${number} · ${clockTime(createdAt)}`,
  }));
  // Older versions than those listed are found by their number.
  const older = [String(value ?? ''), typed.replace(/^v/, '')].filter(
    (number, index, all) =>
      /^[1-9]\d{0,8}$/.test(number) &&
      all.indexOf(number) === index &&
      !listed.some((version) => version.value === number),
  );
  return (
    <Select
      label={label}
      w={210}
      allowDeselect={false}
      searchable
      nothingFoundMessage="No such version"
      value={value === undefined ? null : String(value)}
      onChange={(number) => number !== null && onChange(Number(number))}
      onSearchChange={setTyped}
      data={[...listed, ...older.map((number) => ({ value: number, label: `v${number}` }))]}
    />
  );
}
