import type { SyncNames } from './sync-input.ts';

/** The search attributes of our workflows, all of the type Keyword. */
export const searchAttributeNames = {
  repository: 'TidemarkRepository',
  remoteHost: 'TidemarkRemoteHost',
  trigger: 'TidemarkTrigger',
} as const;

/** As Temporal's SDK takes it. */
export interface SearchAttribute {
  readonly key: { readonly name: string; readonly type: 'KEYWORD' };
  readonly value: string;
}

/** Columns of Temporal's databases have this many characters. */
const valueMaxChars = 255;

/** What is unknown has no attribute. */
export function searchAttributesOf({
  repositoryName,
  remoteHost,
  trigger,
}: Partial<SyncNames>): SearchAttribute[] {
  const { repository, remoteHost: host, trigger: cause } = searchAttributeNames;
  return [...keyword(repository, repositoryName), ...keyword(host, remoteHost), ...keyword(cause, trigger)];
}

function keyword(name: string, value: string | null | undefined): SearchAttribute[] {
  if (value === undefined || value === null || value === '') return [];
  return [{ key: { name, type: 'KEYWORD' }, value: value.slice(0, valueMaxChars) }];
}
