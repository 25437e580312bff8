import { Field, ID, InputType, ObjectType, registerEnumType } from 'type-graphql';
import type { SignatureFailure, SignaturePolicy } from '../../../db/schema/signatures.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';
import { Payload } from '../payload.type.ts';

export const SignatureFailureEnum = { SKIP_TAG: 'SKIP_TAG', FAIL_SYNC: 'FAIL_SYNC' } as const;

registerEnumType(SignatureFailureEnum, {
  name: 'SignatureFailure',
  description: 'How a sync treats a tag that fails verification.',
  valuesConfig: {
    SKIP_TAG: {
      description:
        'The tag is skipped: the repository keeps its current state. A warning of the task names the tag and the reason.',
    },
    FAIL_SYNC: { description: 'The sync fails with SIGNATURE_REQUIRED and changes nothing.' },
  },
});

@ObjectType('SignerIdentity', {
  description: 'A keyless signer, as identified by a certificate of Sigstore.',
  simpleResolvers: true,
})
export class SignerIdentityType {
  @Field(() => String, {
    description: 'The OIDC issuer, compared exactly, e.g. https://accounts.google.com.',
  })
  issuer!: string;

  @Field(() => String, {
    description: 'An email address or a URI, compared exactly; * matches any characters.',
  })
  subject!: string;
}

@ObjectType('SignaturePolicy', {
  implements: NodeType,
  description:
    'Keys and identities, one of which must have signed an image. One valid signature is enough. The policy of a repository, else that of ' +
    'its remote, applies to syncs, pull-through and pulls. The policy of a distribution applies to its pulls in addition.',
  simpleResolvers: true,
})
export class SignaturePolicyType extends NodeType {
  row!: SignaturePolicy;

  @Field(() => String, { description: 'Unique name, 1 to 255 characters.' })
  name!: string;

  @Field(() => [String], { description: 'Trusted public keys for cosign signatures, in PEM.' })
  keys!: readonly string[];

  @Field(() => [String], {
    description: 'Trusted public keys for simple-signing signatures, in ASCII-armoured OpenPGP.',
  })
  openPgpKeys!: readonly string[];

  @Field(() => [SignerIdentityType], {
    description: 'Trusted keyless signers, with certificates of Sigstore.',
  })
  identities!: readonly SignerIdentityType[];

  @Field(() => String, {
    nullable: true,
    description: "Sigstore's trusted root, the JSON of a trusted_root.json; null: none.",
  })
  trustedRoot!: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "The repository that simple-signing signatures must name, e.g. quay.io/acme/app; null: the remote's host and upstreamName.",
  })
  dockerReference!: string | null;

  @Field(() => SignatureFailureEnum, { description: 'How a sync treats a tag that fails verification.' })
  onFailure!: SignatureFailure;

  @Field(() => DateTime, { description: 'Creation time.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'Time of the last change.' })
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
  description: 'A keyless signer, as identified by a certificate of Sigstore.',
})
export class SignerIdentityInput {
  @Field(() => String, {
    description: 'The OIDC issuer, compared exactly, e.g. https://accounts.google.com.',
  })
  issuer!: string;

  @Field(() => String, {
    description: 'An email address or a URI, compared exactly; * matches any characters.',
  })
  subject!: string;
}

/** The fields that create and update share. */
@InputType('SignaturePolicyFields')
class SignaturePolicyFields {
  @Field(() => [String], {
    nullable: true,
    description:
      'Trusted public keys for cosign signatures, each in PEM (cosign.pub): ECDSA on P-256, RSA or Ed25519; null: none.',
  })
  keys?: string[] | null;

  @Field(() => [String], {
    nullable: true,
    description: 'Trusted public keys for simple-signing signatures, in ASCII-armoured OpenPGP; null: none.',
  })
  openPgpKeys?: string[] | null;

  @Field(() => [SignerIdentityInput], {
    nullable: true,
    description: 'Trusted keyless signers; null: none. Requires trustedRoot.',
  })
  identities?: SignerIdentityInput[] | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Sigstore's trusted root: the content of a trusted_root.json; null: none. It is never fetched over the network.",
  })
  trustedRoot?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "The repository that simple-signing signatures must name, e.g. quay.io/acme/app; null: the remote's host and upstreamName.",
  })
  dockerReference?: string | null;
}

@InputType('SignaturePolicyCreateInput', {
  description: 'A new signature policy. At least one of keys, openPgpKeys and identities is required.',
})
export class SignaturePolicyCreateInput extends SignaturePolicyFields {
  @Field(() => String, { description: 'Unique name, 1 to 255 visible characters.' })
  name!: string;

  @Field(() => SignatureFailureEnum, {
    nullable: true,
    defaultValue: 'SKIP_TAG',
    description: 'How a sync treats a tag that fails verification.',
  })
  onFailure?: SignatureFailure | null;
}

@InputType('SignaturePolicyUpdateInput', {
  description:
    'Changes to a signature policy. Omitted fields are kept; null clears a field. Earlier results are verified again.',
})
export class SignaturePolicyUpdateInput extends SignaturePolicyFields {
  @Field(() => ID, { description: 'The policy.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Unique name, 1 to 255 visible characters. It cannot be cleared.',
  })
  name?: string | null;

  @Field(() => SignatureFailureEnum, {
    nullable: true,
    description: 'How a sync treats a tag that fails verification. It cannot be cleared.',
  })
  onFailure?: SignatureFailure | null;
}

@InputType('SignaturePolicyDeleteInput', { description: 'The signature policy to delete.' })
export class SignaturePolicyDeleteInput {
  @Field(() => ID, { description: 'The policy.' })
  id!: string;
}

@ObjectType('SignaturePolicyPayload', {
  description: 'The result of a signature policy mutation.',
  simpleResolvers: true,
})
export class SignaturePolicyPayload extends Payload {
  @Field(() => SignaturePolicyType, {
    nullable: true,
    description: 'The signature policy after the change; null on error.',
  })
  signaturePolicy!: SignaturePolicyType | null;
}
