import type { SyncOverrides } from '../../../db/schema/entities.ts';
import { checkRemoteFields } from '../../../operations/remotes/remote-fields.ts';
import type { SyncOverridesInput } from './sync.type.ts';
import type { AddressRules } from '../../../operations/remotes/urls.ts';
import type { UserError } from '../user-error.type.ts';
import { mistake } from '../../../operations/mistakes.ts';

/** Overrides follow the rules of the remote's own fields. */
export function checkOverrides(
  overrides: SyncOverridesInput | null | undefined,
  rules: AddressRules,
): UserError[] {
  if (overrides === null || overrides === undefined) return [];
  return checkRemoteFields(overrides, rules).map(({ code, field, message }) =>
    mistake(code, ['overrides', ...field], message),
  );
}

/** What is kept with the task; undefined where nothing is overridden. */
export function readOverrides(given: SyncOverridesInput | null | undefined): SyncOverrides | undefined {
  if (given === null || given === undefined) return undefined;
  const { includeTags, excludeTags, policy, downloadConcurrency } = given;
  const overrides: SyncOverrides = {
    ...(includeTags === undefined ? {} : { includeTags }),
    ...(excludeTags === undefined ? {} : { excludeTags }),
    ...(policy === null || policy === undefined ? {} : { policy }),
    ...(downloadConcurrency === null || downloadConcurrency === undefined ? {} : { downloadConcurrency }),
  };
  return Object.keys(overrides).length === 0 ? undefined : overrides;
}
