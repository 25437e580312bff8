import { Select } from '@mantine/core';

interface Props {
  readonly label: string;
  readonly description?: string;
  /** The label of null; without it one must be chosen. */
  readonly none?: string | undefined;
  readonly value: string | null;
  readonly options: readonly { readonly id: string; readonly name: string }[];
  readonly onChange: (id: string | null) => void;
  readonly error?: string | undefined;
  readonly required?: boolean;
}

/** One object of a list by name, or none. */
export function Choice({ label, description, none, value, options, onChange, error, required }: Props) {
  return (
    <Select
      label={label}
      description={description}
      searchable
      required={required ?? false}
      clearable={none !== undefined}
      placeholder={none ?? 'Choose'}
      clearButtonProps={{ 'aria-label': `Clear ${label}` }}
      value={value}
      onChange={onChange}
      error={error}
      nothingFoundMessage="None has this name"
      data={options.map(({ id, name }) => ({ value: id, label: name }))}
    />
  );
}
