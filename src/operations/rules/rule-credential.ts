import type { SecretBox } from '../../access/secrets.ts';
import type { Viewer } from '../../access/viewer.ts';
import type { Em } from '../../db/open-database.ts';
import type { MirrorRule } from '../../db/schema/rules.ts';
import type { Fallback } from '../../db/schema/upstreams.ts';
import { lockRemoteCredential } from '../credentials/credential-use.ts';
import type { LoginFields } from '../credentials/credential-use.ts';
import type { Mistake } from '../mistakes.ts';
import { lockFallbacks } from '../credentials/fallback-credentials.ts';
import { checkDistinct, fallbackAsUsed, toFallbackFields } from '../remotes/fallbacks.ts';
import type { RuleFields } from './rule-fields.ts';
import { templateOf } from './rule-template.ts';

/**
 * The key of the credential that the rule uses after the change, as `lockRemoteCredential` for the remotes that it will make. Whoever changes a
 * rule with a credential must have the right to use it.
 */
export async function lockRuleCredential(
  em: Em,
  viewer: Viewer,
  secrets: SecretBox,
  {
    row,
    fields,
    mistakes,
  }: { readonly row: MirrorRule | null; readonly fields: RuleFields; readonly mistakes: Mistake[] },
): Promise<number | null | undefined> {
  const keptId = row?.credentialId;
  const kept = typeof keptId === 'number' ? { key: keptId, field: 'credentialId', text: '' } : undefined;
  const stored = row === null ? {} : { ...templateOf(row, secrets), url: row.url };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const after: LoginFields = { ...stored, ...Object.fromEntries(given) };
  const credential = fields.credential === undefined ? kept : fields.credential;
  return lockRemoteCredential(em, viewer, { ...after, credential }, { mistakes });
}

/** The fallbacks of the remotes that the rule will make, as they are stored. Kept ones are checked too: the maker must have the right to use them. */
export async function lockRuleFallbacks(
  em: Em,
  viewer: Viewer,
  {
    row,
    fields,
    mistakes,
  }: { readonly row: MirrorRule | null; readonly fields: RuleFields; readonly mistakes: Mistake[] },
): Promise<readonly Fallback[]> {
  const kept = (row?.fallbacks ?? []).map(toFallbackFields);
  const given = fields.fallbacks === undefined ? kept : (fields.fallbacks ?? []).map(fallbackAsUsed);
  mistakes.push(...checkDistinct({ url: fields.url ?? row?.url ?? '' }, given));
  return (await lockFallbacks(em, viewer, given, { mistakes })) ?? [];
}
