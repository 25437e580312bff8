/** The annotations of a manifest's document; none when it is no JSON. */
export function readAnnotations(raw: string): readonly (readonly [string, string])[] {
  try {
    const { annotations } = JSON.parse(raw) as { annotations?: unknown };
    if (typeof annotations !== 'object' || annotations === null) return [];
    return Object.entries(annotations).map(([key, value]) => [key, String(value)] as const);
  } catch {
    return [];
  }
}

const names: readonly (readonly [RegExp, string])[] = [
  [/image\.index/, 'OCI index'],
  [/manifest\.list/, 'Docker manifest list'],
  [/oci\.image\.manifest/, 'OCI manifest'],
  [/distribution\.manifest/, 'Docker manifest'],
  [/image\.config|container\.image\.v1/, 'config'],
  [/image\.layer.*zstd/, 'layer (zstd)'],
  [/image\.(layer|rootfs)/, 'layer'],
  [/empty/, 'empty config'],
];

/** A media type in a few words, where it is a common one. */
export function shortType(type: string): string {
  return names.find(([pattern]) => pattern.test(type))?.[1] ?? type;
}

export function formatDocument(raw: string): string {
  try {
    return JSON.stringify(JSON.parse(raw), undefined, 2);
  } catch {
    return raw;
  }
}

interface ConfigDocument {
  readonly created?: unknown;
  readonly os?: unknown;
  readonly architecture?: unknown;
  readonly config?: Readonly<Record<string, unknown>> | null;
}

function parseConfig(text: string): ConfigDocument {
  try {
    return (JSON.parse(text) ?? {}) as ConfigDocument;
  } catch {
    return {};
  }
}

/** The fields of an image's config that people look for; none when it is no JSON. */
export function readConfig(text: string): readonly { readonly name: string; readonly value: string }[] {
  const document = parseConfig(text);
  const config = document.config ?? {};
  const all = [
    ['Created', document.created],
    ...plainFields(config),
    ['Environment', config['Env']],
    ['Ports', config['ExposedPorts']],
    ['Labels', config['Labels']],
  ] as const;
  return all.flatMap(([name, value]) => {
    const shown = asText(value);
    return shown === '' ? [] : [{ name, value: shown }];
  });
}

/** The same fields, each variable, port and label by itself, to compare. */
export function readSettings(text: string): ReadonlyMap<string, string> {
  const document = parseConfig(text);
  const config = document.config ?? {};
  const all = [
    ['Created', document.created] as const,
    ...plainFields(config),
    ...listOf(config['Env']).map((variable) => {
      const [name = '', ...value] = variable.split('=');
      return [`Variable ${name}`, value.join('=')] as const;
    }),
    ...entriesOf(config['ExposedPorts']).map(([port]) => [`Port ${port}`, 'exposed'] as const),
    ...entriesOf(config['Labels']).map(([name, value]) => [`Label ${name}`, value] as const),
  ];
  return new Map(
    all.map(([name, value]) => [name, asText(value)] as const).filter(([, value]) => value !== ''),
  );
}

function plainFields(config: Readonly<Record<string, unknown>>) {
  return [
    ['Entrypoint', config['Entrypoint']],
    ['Command', config['Cmd']],
    ['User', config['User']],
    ['Directory', config['WorkingDir']],
  ] as const;
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(String).join(' ');
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .map(([key, each]) => (typeof each === 'string' ? `${key}=${each}` : key))
    .join(', ');
}
