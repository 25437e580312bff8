import type { Viewer } from '../../access/viewer.ts';
import type { Em } from '../../db/open-database.ts';
import type { Fallback } from '../../db/schema/upstreams.ts';
import type { Mistake } from '../mistakes.ts';
import { checkDistinct, fallbackAsUsed, toFallbackFields } from '../remotes/fallbacks.ts';
import { templateOf } from '../remotes/remote-template.ts';
import type { TemplateRow, TemplateSecrets } from '../remotes/remote-template.ts';
import { lockRemoteCredential } from './credential-use.ts';
import type { LoginFields } from './credential-use.ts';
import { lockFallbacks } from './fallback-credentials.ts';

export interface TemplateChange {
  /** Null: it is created. */
  readonly row: TemplateRow | null;
  readonly fields: LoginFields;
  readonly mistakes: Mistake[];
}

/**
 * The key of the credential that a mirror rule or proxy uses after the change, as `lockRemoteCredential` for the remotes that it will make.
 * Whoever changes one with a credential must have the right to use it.
 */
export async function lockTemplateCredential(
  em: Em,
  viewer: Viewer,
  secrets: TemplateSecrets,
  { row, fields, mistakes }: TemplateChange,
): Promise<number | null | undefined> {
  const keptId = row?.credentialId;
  const kept = typeof keptId === 'number' ? { key: keptId, field: 'credentialId', text: '' } : undefined;
  const stored = row === null ? {} : { ...templateOf(row, secrets), url: row.url };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const after: LoginFields = { ...stored, ...Object.fromEntries(given) };
  const credential = fields.credential === undefined ? kept : fields.credential;
  return lockRemoteCredential(em, viewer, { ...after, credential }, { mistakes });
}

/** The fallbacks of the remotes that it will make, as they are stored. Kept ones are checked too: the maker must have the right to use them. */
export async function lockTemplateFallbacks(
  em: Em,
  viewer: Viewer,
  { row, fields, mistakes }: TemplateChange,
): Promise<readonly Fallback[]> {
  const kept = (row?.fallbacks ?? []).map(toFallbackFields);
  const given = fields.fallbacks === undefined ? kept : (fields.fallbacks ?? []).map(fallbackAsUsed);
  mistakes.push(...checkDistinct({ url: fields.url ?? row?.url ?? '' }, given));
  return (await lockFallbacks(em, viewer, given, { mistakes })) ?? [];
}
