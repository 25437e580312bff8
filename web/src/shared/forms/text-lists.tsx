import { TagsInput } from '@mantine/core';

interface Props<Field extends string> {
  readonly lists: readonly { readonly field: Field; readonly label: string; readonly description: string }[];
  readonly values: { readonly [Key in Field]: readonly string[] | null };
  readonly onChange: (field: Field, texts: string[]) => void;
  /** The API's messages for a field. */
  readonly at: (field: string) => string | undefined;
}

/** Fields of several texts, such as patterns. A comma does not end a text. */
export function TextLists<Field extends string>({ lists, values, onChange, at }: Props<Field>) {
  return lists.map(({ field, label, description }) => (
    <TagsInput
      key={field}
      label={label}
      description={description}
      acceptValueOnBlur
      splitChars={[]}
      value={[...(values[field] ?? [])]}
      onChange={(texts) => onChange(field, texts)}
      error={at(field)}
    />
  ));
}
