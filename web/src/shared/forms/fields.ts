import { useState } from 'react';

/** What the fields of a form get: its values, and the API's messages for them. */
export interface FieldProps<Values> {
  readonly values: Values;
  readonly set: (changes: Partial<Values>) => void;
  /** The API's messages for a field. */
  readonly at: (field: string) => string | undefined;
}

/** The values of a form, beside those that it began with. */
export function useValues<Values extends object>(begin: () => Values) {
  const [stored] = useState(begin);
  const [values, change] = useState(stored);
  const set = (changes: Partial<Values>) => change((before) => ({ ...before, ...changes }));
  return { stored, values, set };
}

type Changes<Values> = { readonly [Field in keyof Values]?: Exclude<Values[Field], undefined> };

/** The values that differ from the stored ones, as the API takes them. */
export function changesOf<Values extends object>(values: Values, stored: Values): Changes<Values> {
  const changed = Object.entries(values).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(stored[field as keyof Values]),
  );
  return Object.fromEntries(changed) as Changes<Values>;
}
