export function keysOf<Fields extends object>(fields: Fields): (keyof Fields)[] {
  return Object.keys(fields) as (keyof Fields)[];
}

/** Clients send null for "nothing given". Where there is a default, it applies then. */
export function withDefaults<Fields extends object>(fields: Fields, defaults: Partial<Fields>): Fields {
  const filled = keysOf(defaults).map((field) => [field, fields[field] ?? defaults[field]] as const);
  return { ...fields, ...Object.fromEntries(filled) };
}

/** Stored fields after changes: undefined keeps a field, and null clears it. A cleared field is absent. */
export function withChanges<Fields extends object>(
  stored: Fields,
  changes: { readonly [Field in keyof Fields]?: Fields[Field] | null | undefined },
): Fields {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  const entries = Object.entries({ ...stored, ...Object.fromEntries(given) });
  return Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined)) as Fields;
}
