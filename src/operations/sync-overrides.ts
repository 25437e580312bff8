import type { RemotePolicy } from '../db/schema/remotes.ts';
import type { SyncOverrides } from '../db/schema/tasks.ts';
import { checkRemoteFields } from './remotes/remote-fields.ts';
import { givenRules } from './remotes/tag-rules.ts';
import type { TagRuleFields } from './remotes/tag-rules.ts';
import type { AddressRules } from './remotes/urls.ts';
import { mistake } from './mistakes.ts';
import type { Mistake } from './mistakes.ts';

/** Settings of a remote for one sync. */
export interface GivenOverrides extends TagRuleFields {
  readonly includeTags?: string[] | null | undefined;
  readonly excludeTags?: string[] | null | undefined;
  readonly policy?: RemotePolicy | null | undefined;
  readonly downloadConcurrency?: number | null | undefined;
}

/** Overrides follow the rules of the remote's own fields. */
export function checkOverrides(overrides: GivenOverrides | null | undefined, rules: AddressRules): Mistake[] {
  if (overrides === null || overrides === undefined) return [];
  return checkRemoteFields(overrides, rules).map(({ code, field, message }) =>
    mistake(code, ['overrides', ...field], message),
  );
}

/** What is kept with the task; undefined where nothing is overridden. */
export function readOverrides(given: GivenOverrides | null | undefined): SyncOverrides | undefined {
  if (given === null || given === undefined) return undefined;
  const { includeTags, excludeTags, policy, downloadConcurrency } = given;
  const tagRules = givenRules(given);
  const overrides: SyncOverrides = {
    ...(includeTags === undefined ? {} : { includeTags }),
    ...(excludeTags === undefined ? {} : { excludeTags }),
    ...(policy === null || policy === undefined ? {} : { policy }),
    ...(downloadConcurrency === null || downloadConcurrency === undefined ? {} : { downloadConcurrency }),
    ...(Object.keys(tagRules).length === 0 ? {} : { tagRules }),
  };
  return Object.keys(overrides).length === 0 ? undefined : overrides;
}
