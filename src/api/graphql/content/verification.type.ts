import { Field, ObjectType } from 'type-graphql';
import { SignaturePolicyType } from '../policies/signature-policy.type.ts';

@ObjectType('Verification', {
  description: 'The result of a verification against a signature policy.',
  simpleResolvers: true,
})
export class VerificationType {
  @Field(() => Boolean, { description: 'Whether a trusted key or identity has signed it.' })
  isVerified!: boolean;

  @Field(() => String, {
    nullable: true,
    description:
      'The key or identity that verified it: "key sha256:<fingerprint>", "OpenPGP key <fingerprint>" or "<subject> (<issuer>)"; null when not ' +
      'verified.',
  })
  by!: string | null;

  @Field(() => String, { nullable: true, description: 'Why it is not verified; null when it is.' })
  reason!: string | null;

  @Field(() => SignaturePolicyType, {
    nullable: true,
    description: 'The applied policy; null when the caller may not read it.',
  })
  policy!: SignaturePolicyType | null;
}
