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

/** The fields of an image's config that people look for; none when it is no JSON. */
export function readConfig(text: string): readonly { readonly name: string; readonly value: string }[] {
  let document: ConfigDocument;
  try {
    document = JSON.parse(text) as ConfigDocument;
  } catch {
    return [];
  }
  const config = document.config ?? {};
  const all = [
    ['Created', document.created],
    ['Entrypoint', config['Entrypoint']],
    ['Command', config['Cmd']],
    ['User', config['User']],
    ['Directory', config['WorkingDir']],
    ['Environment', config['Env']],
    ['Ports', config['ExposedPorts']],
    ['Labels', config['Labels']],
  ] as const;
  return all.flatMap(([name, value]) => {
    const shown = asText(value);
    return shown === '' ? [] : [{ name, value: shown }];
  });
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(String).join(' ');
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .map(([key, each]) => (typeof each === 'string' ? `${key}=${each}` : key))
    .join(', ');
}
