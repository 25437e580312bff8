import type DataLoader from 'dataloader';
import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { Verification } from '../../../db/policies/read-verifications.ts';
import { SignatureType, TagType } from './content.type.ts';
import type { RequestContext } from '../context.ts';
import { toSignaturePolicyType } from '../policies/signature-policy.type.ts';
import { VerificationType } from './verification.type.ts';

@Resolver(() => TagType)
export class TagVerificationResolver {
  @FieldResolver(() => VerificationType, {
    nullable: true,
    description:
      'Whether the image satisfies the signature policy of the repository, else that of its remote; null when there is no policy. Signatures ' +
      'without a stored result are verified by this query, for at most ten seconds a request; `reason` says when the time was exceeded.',
  })
  async verified(@Root() { row }: TagType, @Ctx() context: RequestContext): Promise<VerificationType | null> {
    return verify(context, context.loaders.tagVerifications, row);
  }
}

@Resolver(() => SignatureType)
export class SignatureVerificationResolver {
  @FieldResolver(() => VerificationType, {
    nullable: true,
    description:
      "Whether the signature is valid under the policy of the version's repository, else that of its remote; null when there is no policy, or " +
      'the signature was not read below a version.',
  })
  async verified(
    @Root() { row, version }: SignatureType,
    @Ctx() context: RequestContext,
  ): Promise<VerificationType | null> {
    if (version === undefined) return null;
    const { repositoryId } = version;
    return verify(context, context.loaders.signatureVerifications, { id: row.id, repositoryId });
  }
}

/** Checks signatures that have no verdict yet. Verdicts are stored. */
async function verify<Key>(
  context: RequestContext,
  loader: DataLoader<Key, Verification | null, string>,
  key: Key,
): Promise<VerificationType | null> {
  const found = await loader.load(key);
  if (found === null) return null;
  if (found.verifiedBy !== null || found.unchecked.length === 0) return toVerificationType(found, context);
  const { signal } = context;
  const budget = context.checkBudget();
  const outcome = await context.api.signatures
    .check(found.policy, found.unchecked, {
      repositoryId: found.repositoryId,
      signal,
      budget,
      untilValid: true,
    })
    .catch((error: unknown) => {
      // The caller has left.
      if (signal.aborted) return 'out-of-time' as const;
      throw error;
    });
  const checked = signal.aborted ? found : ((await loader.clear(key).load(key)) ?? found);
  const verification = await toVerificationType(checked, context);
  return outcome === 'done' || verification.isVerified
    ? verification
    : Object.assign(verification, { reason: outOfTime });
}

const outOfTime =
  'its signatures could not all be checked in the time of one request; what was checked is kept, so ask again';

async function toVerificationType(
  { policy, verifiedBy, signatures, reason, unchecked }: Verification,
  { loaders }: RequestContext,
): Promise<VerificationType> {
  const row = await loaders.signaturePolicies.load(policy.policyId);
  const lost = unchecked.length > 0 ? 'the content of its signatures is not stored' : 'it has no signature';
  const why = signatures > 0 && reason !== null ? reason : lost;
  return Object.assign(new VerificationType(), {
    isVerified: verifiedBy !== null,
    by: verifiedBy,
    reason: verifiedBy === null ? why : null,
    policy: row === undefined ? null : toSignaturePolicyType(row),
  });
}
