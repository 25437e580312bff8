import type { SecretBox } from '../../access/secrets.ts';
import type { MirrorRule } from '../../db/schema/rules.ts';
import type { TemplateSecrets } from '../remotes/remote-template.ts';
import type { RuleFields } from './rule-fields.ts';

const ownFields = [
  'discovery',
  'repositories',
  'stripPrefix',
  'targetPrefix',
  'repositoriesAtMost',
  'mirror',
  'timeZone',
  'paused',
] as const satisfies readonly (keyof MirrorRule & keyof RuleFields)[];

/** Writes the fields of the rule itself that are given. */
export function applyOwn(row: MirrorRule, input: RuleFields): void {
  for (const field of ownFields)
    if (input[field] !== undefined) Object.assign(row, { [field]: input[field] });
  if (input.includeRepositories !== undefined) row.includeRepositories = input.includeRepositories ?? [];
  if (input.excludeRepositories !== undefined) row.excludeRepositories = input.excludeRepositories ?? [];
  const { cron, intervalSeconds } = asChanged(row, input);
  Object.assign(row, { cron: cron ?? null, intervalSeconds: intervalSeconds ?? null });
}

/** What decides about the rule as a whole, after the changes. Of cron and intervalSeconds, the given one replaces the other. */
export function asChanged(row: MirrorRule, changes: RuleFields) {
  const { cron = row.cron, intervalSeconds = row.intervalSeconds } = changes;
  const isOne = typeof changes.cron !== 'string' || typeof changes.intervalSeconds !== 'number';
  return {
    discovery: changes.discovery ?? row.discovery,
    repositories: changes.repositories === undefined ? row.repositories : changes.repositories,
    includeRepositories:
      changes.includeRepositories === undefined ? row.includeRepositories : changes.includeRepositories,
    credential: changes.credential === undefined ? row.credentialId : changes.credential,
    cron: isOne && typeof changes.intervalSeconds === 'number' ? null : cron,
    intervalSeconds: isOne && typeof changes.cron === 'string' ? null : intervalSeconds,
  };
}

/** Opens and seals the secrets of rules. */
export function ruleSecrets(box: SecretBox): TemplateSecrets {
  return { table: 'mirror_rule', box };
}
