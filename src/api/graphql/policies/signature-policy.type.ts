import { Field, ID, InputType, ObjectType, registerEnumType } from 'type-graphql';
import type { SignatureFailure, SignaturePolicy } from '../../../db/schema/signatures.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';
import { UserError } from '../user-error.type.ts';

export const SignatureFailureEnum = { SKIP_TAG: 'SKIP_TAG', FAIL_SYNC: 'FAIL_SYNC' } as const;

registerEnumType(SignatureFailureEnum, {
  name: 'SignatureFailure',
  description: 'What a sync does with a tag that no trusted signature verifies.',
  valuesConfig: {
    SKIP_TAG: {
      description:
        'The tag stays as the repository has it, or stays out; a warning of the task names it and says why.',
    },
    FAIL_SYNC: { description: 'The sync fails with SIGNATURE_REQUIRED, and nothing is changed.' },
  },
});

@ObjectType('SignerIdentity', {
  description: "Who signed without a key of their own, as Sigstore's certificate says.",
  simpleResolvers: true,
})
export class SignerIdentityType {
  @Field(() => String, {
    description: 'The OIDC issuer, compared exactly, e.g. https://accounts.google.com.',
  })
  issuer!: string;

  @Field(() => String, {
    description: 'An email address or a URI, compared exactly but for *, which stands for any characters.',
  })
  subject!: string;
}

@ObjectType('SignaturePolicy', {
  implements: NodeType,
  description:
    'Who has to have signed. One valid signature by one of its keys or identities is enough. A repository, or a remote for ' +
    'repositories without one, has it for its syncs, for what is pulled through, and for pulls from its distributions; a distribution may have ' +
    'one of its own instead.',
  simpleResolvers: true,
})
export class SignaturePolicyType extends NodeType {
  row!: SignaturePolicy;

  @Field(() => String, { description: 'Unique, 1 to 255 characters.' })
  name!: string;

  @Field(() => [String], { description: "Public keys of cosign's signatures, PEM." })
  keys!: readonly string[];

  @Field(() => [String], { description: 'Public keys of atomic signatures, ASCII-armoured OpenPGP.' })
  openPgpKeys!: readonly string[];

  @Field(() => [SignerIdentityType], {
    description: 'Who may sign without a key, by a certificate of Sigstore.',
  })
  identities!: readonly SignerIdentityType[];

  @Field(() => String, {
    nullable: true,
    description: "Sigstore's trusted root, the JSON of a trusted_root.json; null: there are no identities.",
  })
  trustedRoot!: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "The repository that atomic signatures have to name, e.g. quay.io/acme/app; null: the remote's host and upstreamName.",
  })
  dockerReference!: string | null;

  @Field(() => SignatureFailureEnum, { description: 'What a sync does with a tag that is not verified.' })
  onFailure!: SignatureFailure;

  @Field(() => DateTime, { description: 'When it was created.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'When it was last changed.' })
  updatedAt!: Date;
}

export function toSignaturePolicyType(row: SignaturePolicy): SignaturePolicyType {
  const { name, keys, openPgpKeys, identities, onFailure, createdAt, updatedAt } = row;
  return Object.assign(new SignaturePolicyType(), {
    id: toGlobalId('SignaturePolicy', row.id),
    row,
    name,
    keys,
    openPgpKeys,
    identities,
    onFailure,
    createdAt,
    updatedAt,
    trustedRoot: row.trustedRoot ?? null,
    dockerReference: row.dockerReference ?? null,
  });
}

export const SignaturePolicyConnection = connectionType(SignaturePolicyType, 'SignaturePolicy');

@InputType('SignerIdentityInput', {
  description: "Who may sign without a key of their own, as Sigstore's certificate says.",
})
export class SignerIdentityInput {
  @Field(() => String, {
    description: 'The OIDC issuer, compared exactly, e.g. https://accounts.google.com.',
  })
  issuer!: string;

  @Field(() => String, {
    description: 'An email address or a URI, compared exactly but for *, which stands for any characters.',
  })
  subject!: string;
}

/** What create and update have in common. */
@InputType('SignaturePolicyFields')
class SignaturePolicyFields {
  @Field(() => [String], {
    nullable: true,
    description:
      "Public keys of cosign's signatures, PEM, one each (cosign.pub): ECDSA on P-256, RSA or Ed25519; null: none.",
  })
  keys?: string[] | null;

  @Field(() => [String], {
    nullable: true,
    description: 'Public keys of atomic signatures, ASCII-armoured OpenPGP; null: none.',
  })
  openPgpKeys?: string[] | null;

  @Field(() => [SignerIdentityInput], {
    nullable: true,
    description: 'Who may sign without a key; needs trustedRoot; null: nobody.',
  })
  identities?: SignerIdentityInput[] | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Sigstore's trusted root: the text of a trusted_root.json. Nothing is fetched over the network.",
  })
  trustedRoot?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "The repository that atomic signatures have to name, e.g. quay.io/acme/app; null: the remote's host and upstreamName.",
  })
  dockerReference?: string | null;
}

@InputType('SignaturePolicyCreateInput', {
  description: 'A new policy: at least one of keys, openPgpKeys and identities.',
})
export class SignaturePolicyCreateInput extends SignaturePolicyFields {
  @Field(() => String, { description: 'Unique, 1 to 255 visible characters.' })
  name!: string;

  @Field(() => SignatureFailureEnum, {
    nullable: true,
    defaultValue: 'SKIP_TAG',
    description: 'What a sync does with a tag that is not verified.',
  })
  onFailure?: SignatureFailure | null;
}

@InputType('SignaturePolicyUpdateInput', {
  description: 'Changes of a policy. Omitted: kept. null: cleared. What it verified before is checked again.',
})
export class SignaturePolicyUpdateInput extends SignaturePolicyFields {
  @Field(() => ID, { description: 'The policy.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Unique, 1 to 255 visible characters. It cannot be cleared.',
  })
  name?: string | null;

  @Field(() => SignatureFailureEnum, {
    nullable: true,
    description: 'What a sync does with a tag that is not verified. It cannot be cleared.',
  })
  onFailure?: SignatureFailure | null;
}

@InputType('SignaturePolicyDeleteInput', { description: 'A policy to delete; one that is in use is not.' })
export class SignaturePolicyDeleteInput {
  @Field(() => ID, { description: 'The policy.' })
  id!: string;
}

@ObjectType('SignaturePolicyPayload', {
  description: 'What a mutation made of a signature policy.',
  simpleResolvers: true,
})
export class SignaturePolicyPayload {
  @Field(() => SignaturePolicyType, {
    nullable: true,
    description: 'The policy as it is now; null where there were mistakes.',
  })
  signaturePolicy!: SignaturePolicyType | null;

  @Field(() => [UserError], { description: "All of the caller's mistakes; empty when it was done." })
  userErrors!: UserError[];
}
