import { Field, ObjectType } from 'type-graphql';
import { SignaturePolicyType } from '../policies/signature-policy.type.ts';

@ObjectType('Verification', {
  description: 'What a signature policy says of something that is signed.',
  simpleResolvers: true,
})
export class VerificationType {
  @Field(() => Boolean, { description: 'Whether a trusted key or identity has signed it.' })
  isVerified!: boolean;

  @Field(() => String, {
    nullable: true,
    description:
      'Which: "key sha256:<fingerprint>", "OpenPGP key <fingerprint>", or "<subject> (<issuer>)"; null where it is not verified.',
  })
  by!: string | null;

  @Field(() => String, { nullable: true, description: 'Why it is not verified; null where it is.' })
  reason!: string | null;

  @Field(() => SignaturePolicyType, {
    nullable: true,
    description: 'The policy that was asked; null where the caller may not read it.',
  })
  policy!: SignaturePolicyType | null;
}
