import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { TagRow } from '../../db/read-tags.ts';
import type { Verification } from '../../db/read-verifications.ts';
import { TagType } from './content.type.ts';
import type { RequestContext } from './context.ts';
import { toSignaturePolicyType } from './signature-policy.type.ts';
import { VerificationType } from './verification.type.ts';

@Resolver(() => TagType)
export class TagVerificationResolver {
  @FieldResolver(() => VerificationType, {
    nullable: true,
    description:
      "Whether the image is signed as the repository's policy, or else its remote's, asks for; null where there is no policy. Signatures " +
      'that were not checked yet are checked now.',
  })
  async verified(@Root() { row }: TagType, @Ctx() context: RequestContext): Promise<VerificationType | null> {
    const found = await context.loaders.tagVerifications.load(row);
    if (found === null) return null;
    return toVerificationType(await checkNow(row, found, context), context);
  }
}

/** A page of these costs a check of each signature once; verdicts are kept. */
async function checkNow(row: TagRow, found: Verification, context: RequestContext): Promise<Verification> {
  if (found.verifiedBy !== null || found.unchecked.length === 0) return found;
  await context.api.signatures.check(found.policy, found.unchecked);
  const { tagVerifications } = context.loaders;
  return (await tagVerifications.clear(row).load(row)) ?? found;
}

async function toVerificationType(
  { policy, verifiedBy, signatures, reason, unchecked }: Verification,
  { loaders }: RequestContext,
): Promise<VerificationType | null> {
  const row = await loaders.signaturePolicies.load(policy.policyId);
  if (row === undefined) return null;
  const lost = unchecked.length > 0 ? 'the content of its signatures is not stored' : 'it has no signature';
  const why = signatures > 0 && reason !== null ? reason : lost;
  return Object.assign(new VerificationType(), {
    isVerified: verifiedBy !== null,
    by: verifiedBy,
    reason: verifiedBy === null ? why : null,
    policy: toSignaturePolicyType(row),
  });
}
