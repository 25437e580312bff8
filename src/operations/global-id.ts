/** The types that have a global id, with the number of parts of their keys; the last part may hold colons. */
const keyParts = {
  Repository: 1,
  Remote: 1,
  RepositoryVersion: 2,
  Tag: 3,
  Manifest: 1,
  Blob: 1,
  Task: 1,
  Signature: 1,
  Distribution: 1,
  SignaturePolicy: 1,
  Credential: 1,
  Schedule: 1,
  Token: 1,
  Grant: 1,
  MirrorRule: 1,
  Proxy: 1,
  Webhook: 1,
  WebhookDelivery: 1,
} as const;

export type NodeTypeName = keyof typeof keyParts;

export interface GlobalId {
  readonly type: NodeTypeName;
  readonly key: readonly string[];
}

/** `base64url("Type:key")`: opaque to clients, the same for ever. */
export function toGlobalId(type: NodeTypeName, ...key: readonly (string | number)[]): string {
  return Buffer.from(`${type}:${key.join(':')}`).toString('base64url');
}

/** Undefined for what is no id of ours. */
export function parseGlobalId(id: string): GlobalId | undefined {
  if (id.length > 1_024) return undefined;
  const [type = '', ...parts] = Buffer.from(id, 'base64url').toString().split(':');
  if (!isNodeTypeName(type)) return undefined;
  const count = keyParts[type];
  if (parts.length < count) return undefined;
  const key = [...parts.slice(0, count - 1), parts.slice(count - 1).join(':')];
  // spelt as we spell it: one id for one thing, also as a cache key
  return toGlobalId(type, ...key) === id ? { type, key } : undefined;
}

/** The number in a global id of a type whose key is one number; undefined for anything else. */
export function parseNumericId(type: NodeTypeName, id: string): number | undefined {
  const parsed = parseGlobalId(id);
  return parsed?.type === type ? parseKeyNumber(parsed.key[0]) : undefined;
}

/** The version in a global id of a RepositoryVersion; undefined for anything else. */
export function parseVersionId(
  id: string,
): { readonly repositoryId: number; readonly number: number } | undefined {
  const parsed = parseGlobalId(id);
  if (parsed?.type !== 'RepositoryVersion') return undefined;
  const [repositoryId, number] = parsed.key.map(parseKeyNumber);
  if (repositoryId === undefined || number === undefined || number > mostVersions) return undefined;
  return { repositoryId, number };
}

/** PostgreSQL's integer. */
const mostVersions = 2_147_483_647;

/** A positive safe integer in decimal digits. */
export function parseKeyNumber(text: string | undefined): number | undefined {
  const number = text !== undefined && /^[1-9][0-9]{0,15}$/.test(text) ? Number(text) : 0;
  return Number.isSafeInteger(number) && number > 0 ? number : undefined;
}

function isNodeTypeName(text: string): text is NodeTypeName {
  return Object.hasOwn(keyParts, text);
}
