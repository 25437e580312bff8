import { refuseNothing, refuseUnverified } from '../../db/policies/refuse-unverified.ts';
import type { Refused, RefusedTag } from '../../db/policies/refuse-unverified.ts';
import {
  readSignerPage,
  readSyncPolicy,
  setCheckedBy,
  stageSigners,
} from '../../db/policies/stage-signers.ts';
import type { Signer, SyncPolicy } from '../../db/policies/stage-signers.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import type { Warning } from '../../db/tasks/task-warnings.ts';
import { countOf } from '../../oci/count-of.ts';
import { TidemarkError, quoteValue } from '../../oci/error.ts';
import { createSignatureChecks } from '../../upstream/check-signatures.ts';
import type { CheckOutcome } from '../../upstream/check-signatures.ts';
import type { ActivityDeps } from '../deps.ts';
import { readPlatforms } from '../../upstream/read-platforms.ts';

const pageSize = 500;
/** Tags that warnings name one by one; a task keeps 100 warnings, of other things too. */
const namedMost = 50;

/** How long one sync checks signatures. What was checked is kept, so the next one goes on from there. */
const checkMaxMs = 15 * 60_000;

/**
 * Checks the signatures of what a sync selects by the policy that is in force, and marks what is not verified, so that the commit leaves it
 * as it was. Of each image the cheapest is checked first, up to one that is valid. What was checked by the same revision of the policy is
 * not checked again.
 * @throws TidemarkError `SIGNATURE_REQUIRED` where the policy says FAIL_SYNC
 */
export async function verifySelected(deps: ActivityDeps, taskId: number, signal: AbortSignal): Promise<void> {
  const em = deps.database.em.fork();
  const policy = await readSyncPolicy(em, taskId);
  if (policy === undefined) await refuseNothing(em, taskId);
  else await refuseByPolicy(deps, { taskId, policy }, signal);
  await setCheckedBy(em, taskId, policy?.key ?? null);
}

async function refuseByPolicy(
  deps: ActivityDeps,
  { taskId, policy }: { readonly taskId: number; readonly policy: SyncPolicy },
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  // whether something belongs to an image, or is one, is in its config
  await readPlatforms(deps, taskId, signal);
  await stageSigners(em, taskId, policy.mirror);
  const outcome = await checkStaged(deps, { taskId, policy }, signal);
  const refused = await refuseUnverified(em, taskId, {
    policy: policy.key,
    most: namedMost,
    unchecked:
      outcome === 'done'
        ? 'its content is not stored'
        : 'there was no time left in this sync to check it; the next one goes on from here',
  });
  if (refused.count === 0) return;
  if (policy.onFailure === 'FAIL_SYNC') throw signatureRequired(policy, refused);
  await addWarnings(em, taskId, describeAll(refused));
}

async function checkStaged(
  deps: ActivityDeps,
  { taskId, policy: { key, repositoryId } }: { readonly taskId: number; readonly policy: SyncPolicy },
  signal: AbortSignal,
): Promise<CheckOutcome> {
  const checks = createSignatureChecks(deps);
  const budget = AbortSignal.timeout(checkMaxMs);
  for (let after: Signer = { rank: 0, id: 0 }; ;) {
    const page = await readSignerPage(
      deps.database.em.fork(),
      { taskId, policy: key },
      { after, first: pageSize },
    );
    const last = page.at(-1);
    if (last === undefined) return 'done';
    // one rank at a time: what an image has more of is not looked at where its first is valid
    const rank = page[0]?.rank;
    const ids = page.filter((signer) => signer.rank === rank);
    const outcome = await checks.check(
      key,
      ids.map(({ id }) => id),
      { repositoryId, signal, budget },
    );
    if (outcome === 'out-of-time') return outcome;
    after = ids.at(-1) ?? last;
  }
}

function describeAll({ tags, count }: Refused): Warning[] {
  const more = count - tags.length;
  return [
    ...tags.map((tag) => ({
      message: `${nameOf(tag)} is not verified: ${reasonOf(tag)}. ${outcomeOf(tag)}`,
      name: tag.name,
      differs: [nameOf(tag), tag.digest, tag.keptDigest ?? ''],
    })),
    ...(more > 0
      ? [
          `${countOf(more, 'more tag')} ${more === 1 ? 'is' : 'are'} not verified, and ${more === 1 ? 'stays as it is' : 'stay as they are'}, or out.`,
        ]
      : []),
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
  const others =
    count > 1 ? `${countOf(count - 1, 'more tag')} ${count === 2 ? 'is' : 'are'} not verified either. ` : '';
  return new TidemarkError(
    'SIGNATURE_REQUIRED',
    `The signature policy ${quoteValue(name)} does not verify ${count === 1 ? 'a tag' : countOf(count, 'tag')}. ${example}${others}` +
      'Nothing was changed. Have them signed, leave them out with excludeTags, or let the policy skip them (onFailure: SKIP_TAG).',
  );
}
