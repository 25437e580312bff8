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
import { failTags } from './fail-tags.ts';
import { readPlatforms } from '../../upstream/read-platforms.ts';

const pageSize = 500;
/** Tags that get a warning of their own. A task keeps 100 warnings of all kinds. */
const namedMost = 50;

/** Time for checks in one sync. Verdicts are stored, so the next sync continues from there. */
const checkMaxMs = 15 * 60_000;

/**
 * Checks the signatures of the selection by the policy in force, and marks what is not verified. The commit leaves marked tags as they
 * were. For each image, cheap signatures are checked first, up to the first valid one. Verdicts of the same revision are reused.
 * @throws TidemarkError `SIGNATURE_REQUIRED` under FAIL_SYNC
 */
export async function verifySelected(deps: ActivityDeps, taskId: number, signal: AbortSignal): Promise<void> {
  const em = deps.database.em.fork();
  await failTags(em, taskId);
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
  // a config tells whether its manifest is an image
  await readPlatforms(deps, taskId, signal);
  await stageSigners(em, taskId, policy.mirror);
  const outcome = await checkStaged(deps, { taskId, policy }, signal);
  const refused = await refuseUnverified(em, taskId, {
    policy: policy.key,
    most: namedMost,
    unchecked:
      outcome === 'done'
        ? 'its content is not stored'
        : 'the sync had no time left to check it; the next sync continues from here',
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
    // One rank at a time: the next rank is not needed when the first signature is valid.
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
          `${countOf(more, 'more tag')} ${more === 1 ? 'is' : 'are'} not verified. Each was left out, or stays as it was.`,
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
    ? 'The repository already has it and keeps it.'
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
