import { Select } from '@mantine/core';
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
  return (
    <Select
      label={label}
      w={210}
      allowDeselect={false}
      searchable
      nothingFoundMessage="No such version"
      value={value === undefined ? null : String(value)}
      onChange={(number) => number !== null && onChange(Number(number))}
      data={versions.map(({ number, createdAt }) => ({
        value: String(number),
        label: `v${number} · ${clockTime(createdAt)}`,
      }))}
    />
  );
}
