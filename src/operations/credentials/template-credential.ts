import type { Viewer } from '../../access/viewer.ts';
import type { Em } from '../../db/open-database.ts';
import type { Fallback } from '../../db/schema/upstreams.ts';
import type { Mistake } from '../mistakes.ts';
import { checkDistinct, fallbackAsUsed, toFallbackFields } from '../remotes/fallbacks.ts';
import { registryBaseUrl } from '../../oci/hosts/registry-address.ts';
import type { Reference } from '../operation.ts';
import type { RemoteFields } from '../remotes/remote-fields.ts';
import { applyTemplate, templateOf } from '../remotes/remote-template.ts';
import type { TemplateRow, TemplateSecrets } from '../remotes/remote-template.ts';
import { lockNamedPolicy } from '../signature-policies.ts';
import { lockRemoteCredential } from './credential-use.ts';
import type { LoginFields } from './credential-use.ts';
import { lockFallbacks } from './fallback-credentials.ts';

export interface TemplateChange {
  /** Null: it is created. */
  readonly row: TemplateRow | null;
  readonly fields: LoginFields & { readonly signaturePolicy?: Reference | null | undefined };
  readonly mistakes: Mistake[];
}

/** What a mirror rule or proxy names, as keys: undefined keeps what it has. */
export interface LockedTemplate {
  readonly signaturePolicyId: number | null | undefined;
  readonly credentialId: number | null | undefined;
  readonly fallbacks: readonly Fallback[];
}

/** Locks what a mirror rule or proxy names after the change, against deletion. Mistakes are added to those of the change. */
export async function lockTemplate(
  em: Em,
  viewer: Viewer,
  secrets: TemplateSecrets,
  change: TemplateChange,
): Promise<LockedTemplate> {
  return {
    signaturePolicyId: await lockNamedPolicy(em, viewer, change.fields.signaturePolicy, change.mistakes),
    credentialId: await lockTemplateCredential(em, viewer, secrets, change),
    fallbacks: await lockTemplateFallbacks(em, viewer, change),
  };
}

interface NamedColumns {
  url: string;
  signaturePolicyId?: number | null | undefined;
  credentialId?: number | null | undefined;
  fallbacks: readonly Fallback[];
}

/** Writes a change into the row, but for its name and what only its kind has. */
export function applyTemplateChange(
  row: TemplateRow & NamedColumns,
  changes: RemoteFields & { readonly url?: string | null | undefined },
  { signaturePolicyId, credentialId, fallbacks }: LockedTemplate,
  secrets: TemplateSecrets,
): void {
  const before = row.url;
  if (typeof changes.url === 'string') row.url = registryBaseUrl(changes.url);
  applyTemplate(row, changes, secrets, before);
  if (signaturePolicyId !== undefined) row.signaturePolicyId = signaturePolicyId;
  if (credentialId !== undefined) row.credentialId = credentialId;
  row.fallbacks = fallbacks;
}

/**
 * The key of the credential that a mirror rule or proxy uses after the change, as `lockRemoteCredential` for the remotes that it will make.
 * Whoever changes one with a credential must have the right to use it.
 */
async function lockTemplateCredential(
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
async function lockTemplateFallbacks(
  em: Em,
  viewer: Viewer,
  { row, fields, mistakes }: TemplateChange,
): Promise<readonly Fallback[]> {
  const kept = (row?.fallbacks ?? []).map(toFallbackFields);
  const given = fields.fallbacks === undefined ? kept : (fields.fallbacks ?? []).map(fallbackAsUsed);
  mistakes.push(...checkDistinct({ url: fields.url ?? row?.url ?? '' }, given));
  return (await lockFallbacks(em, viewer, given, { mistakes })) ?? [];
}
