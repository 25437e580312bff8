type Search = Record<string, unknown>;

/** Fields of the address that are texts. */
export function texts<const Name extends string>(...names: readonly Name[]) {
  return (search: Search): { [Key in Name]?: string } =>
    Object.fromEntries(
      names
        .filter((name) => ['string', 'number', 'boolean'].includes(typeof search[name]))
        .map((name) => [name, String(search[name])]),
    ) as { [Key in Name]?: string };
}

/** Fields of the address that are whole numbers. */
export function number<const Name extends string>(...names: readonly Name[]) {
  return (search: Search): { [Key in Name]?: number } =>
    Object.fromEntries(
      names
        .filter((name) => Number.isInteger(Number(search[name])))
        .map((name) => [name, Number(search[name])]),
    ) as { [Key in Name]?: number };
}

/** A field of the address with a fixed set of values; others are dropped. */
export function oneOf<const Name extends string, const Value extends string>(
  name: Name,
  values: readonly Value[],
) {
  return (search: Search): { [Key in Name]?: Value } =>
    (values as readonly unknown[]).includes(search[name])
      ? ({ [name]: search[name] } as { [Key in Name]?: Value })
      : {};
}

/** The fields of an address after changes; empty ones leave it. */
export function replaceFields(before: Search, fields: Search): Record<string, never> {
  const entries = Object.entries({ ...before, ...fields }).filter(([, value]) => value);
  return Object.fromEntries(entries) as Record<string, never>;
}
