import { refuseUnverified } from '../db/refuse-unverified.ts';
import type { Refused, RefusedTag } from '../db/refuse-unverified.ts';
import { readSignerPage, readSyncPolicy, stageSigners } from '../db/stage-signers.ts';
import type { SyncPolicy } from '../db/stage-signers.ts';
import { addWarnings } from '../db/tasks.ts';
import { TidemarkError, quoteValue } from '../oci/error.ts';
import { createSignatureChecks } from './check-signatures.ts';
import type { ActivityDeps } from './deps.ts';
import type { SyncContext } from './sync-context.ts';

const pageSize = 500;
/** Tags that warnings name one by one; a task keeps 100 warnings, of other things too. */
const namedMost = 50;

/**
 * Checks the signatures of what a sync selects by the policy of its repository or remote, and marks what is not verified, so that the
 * commit leaves it as it was. What was checked by the same revision of the policy is not checked again.
 * @throws TidemarkError `SIGNATURE_REQUIRED` where the policy says FAIL_SYNC
 */
export async function verifySelected(
  deps: ActivityDeps,
  sync: SyncContext,
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  const policy = await readSyncPolicy(em, sync.taskId);
  if (policy === undefined) return;
  await stageSigners(em, sync.taskId, sync.arguments.mirror);
  const checks = createSignatureChecks(deps);
  for (let after = 0; ;) {
    const page = await readSignerPage(em, sync.taskId, { after, first: pageSize });
    const last = page.at(-1);
    if (last === undefined) break;
    await checks.check(policy.key, page, signal);
    after = last;
  }
  const refused = await refuseUnverified(em, sync.taskId, policy.key, namedMost);
  if (refused.count === 0) return;
  if (policy.onFailure === 'FAIL_SYNC') throw signatureRequired(policy, refused);
  await addWarnings(em, sync.taskId, describeAll(refused));
}

function describeAll({ tags, count }: Refused): string[] {
  const more = count - tags.length;
  return [
    ...tags.map((tag) => `${nameOf(tag)} is not verified: ${reasonOf(tag)}. ${outcomeOf(tag)}`),
    ...(more > 0 ? [`${more} more tags are not verified; they stay as they are, or out.`] : []),
  ];
}

function nameOf({ name, digest }: RefusedTag): string {
  return name === digest ? `The manifest ${digest}` : `The tag ${quoteValue(name)} (${digest})`;
}

function reasonOf({ signatures, reason }: RefusedTag): string {
  if (reason === null) return 'it has no signature';
  return signatures > 1 ? `of its ${signatures} signatures none is valid; of one, ${reason}` : reason;
}

function outcomeOf({ digest, keptDigest }: RefusedTag): string {
  if (keptDigest === null) return 'It was left out.';
  return keptDigest === digest
    ? 'The repository has it already, and keeps it.'
    : `It stays at ${keptDigest}, as it was.`;
}

function signatureRequired({ name }: SyncPolicy, { tags, count }: Refused): TidemarkError {
  const [first] = tags;
  const example = first === undefined ? '' : `${nameOf(first)}: ${reasonOf(first)}. `;
  const others = count > 1 ? `${count - 1} more are not verified either. ` : '';
  return new TidemarkError(
    'SIGNATURE_REQUIRED',
    `The signature policy ${quoteValue(name)} does not verify ${count === 1 ? 'a tag' : `${count} tags`}. ${example}${others}` +
      'Nothing was changed. Have them signed, leave them out with excludeTags, or let the policy skip them (onFailure: SKIP_TAG).',
  );
}
