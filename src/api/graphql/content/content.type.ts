import { Field, ObjectType, registerEnumType } from 'type-graphql';
import type { BlobRow } from '../../../db/reads/read-content.ts';
import type { ManifestRow } from '../../../db/reads/read-manifests.ts';
import type { SignatureRow } from '../../../db/reads/read-signatures.ts';
import type { TagRow } from '../../../db/reads/read-tags.ts';
import type { VersionKey } from '../../../db/reads/read-versions.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { ByteCount, DateTime, DigestScalar } from '../scalars.ts';

@ObjectType('Tag', {
  implements: NodeType,
  description: 'A name for a manifest, in a repository.',
  simpleResolvers: true,
})
export class TagType extends NodeType {
  row!: TagRow;
  /** The version that it was asked for in. */
  version!: VersionKey | undefined;

  @Field(() => String, { description: 'The tag, e.g. latest.' })
  name!: string;

  @Field(() => DigestScalar, { description: 'The digest of the manifest that it names.' })
  digest!: string;
}

export function toTagType(row: TagRow, version?: VersionKey): TagType {
  return Object.assign(new TagType(), {
    id: toGlobalId('Tag', row.repositoryId, row.addedIn, row.name),
    row,
    version,
    name: row.name,
    digest: row.digest,
  });
}

export const TagConnection = connectionType(TagType, 'Tag');

@ObjectType('Manifest', {
  implements: NodeType,
  description: 'An image manifest, an index of manifests, or an artifact.',
  simpleResolvers: true,
})
export class ManifestType extends NodeType {
  row!: ManifestRow;
  /** The version that it was asked for in: its signatures and referrers are those there. */
  version!: VersionKey | undefined;

  @Field(() => DigestScalar, { description: 'The digest of the document.' })
  digest!: string;

  @Field(() => String, { description: 'As the upstream served it.' })
  mediaType!: string;

  @Field(() => String, {
    nullable: true,
    description: 'What kind of artifact it is, where the document says so.',
  })
  artifactType!: string | null;

  @Field(() => ByteCount, { description: 'Size of the manifest document.' })
  sizeBytes!: number;

  @Field(() => String, {
    nullable: true,
    description: 'os/architecture[/variant]; null for an index or an artifact.',
  })
  platform!: string | null;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'The manifest that this one refers to, e.g. what it signs.',
  })
  subject!: string | null;
}

export function toManifestType(row: ManifestRow, version?: VersionKey): ManifestType {
  const { digest, mediaType, artifactType, sizeBytes, platform, subject } = row;
  return Object.assign(new ManifestType(), {
    id: toGlobalId('Manifest', row.id),
    row,
    version,
    digest,
    mediaType,
    artifactType,
    sizeBytes,
    platform,
    subject,
  });
}

export const ManifestConnection = connectionType(ManifestType, 'Manifest');

@ObjectType('Blob', {
  implements: NodeType,
  description: 'A config or layer.',
  simpleResolvers: true,
})
export class BlobType extends NodeType {
  @Field(() => DigestScalar, { description: 'The digest of its bytes.' })
  digest!: string;

  @Field(() => ByteCount, {
    description: 'Its size as stored; while it is not stored, as a manifest claims.',
  })
  sizeBytes!: number;

  @Field(() => String, { nullable: true, description: 'As a manifest names it.' })
  mediaType!: string | null;

  @Field(() => Boolean, {
    description: 'Whether the bytes are here. Foreign layers are recorded and not fetched.',
  })
  isStored!: boolean;
}

export function toBlobType(row: BlobRow): BlobType {
  const { digest, sizeBytes, mediaType, isStored } = row;
  return Object.assign(new BlobType(), {
    id: toGlobalId('Blob', row.id),
    digest,
    sizeBytes,
    mediaType,
    isStored,
  });
}

export const BlobConnection = connectionType(BlobType, 'Blob');

export const SignatureKind = { ATOMIC: 'ATOMIC', COSIGN: 'COSIGN' } as const;
export type SignatureKind = keyof typeof SignatureKind;

registerEnumType(SignatureKind, {
  name: 'SignatureKind',
  description: 'How a manifest is signed.',
  valuesConfig: {
    ATOMIC: {
      description:
        'An atomic container signature (simple signing), from a signature store or a registry extension.',
    },
    COSIGN: { description: 'A signature manifest of cosign or Sigstore.' },
  },
});

@ObjectType('Signature', {
  implements: NodeType,
  description: 'A signature of a manifest.',
  simpleResolvers: true,
})
export class SignatureType extends NodeType {
  row!: SignatureRow;
  version!: VersionKey | undefined;

  @Field(() => SignatureKind, { description: 'How it signs.' })
  kind!: SignatureKind;

  @Field(() => String, {
    description:
      'Of an atomic one the digest signed, @ and 32 digits of its own digest; else the tag, or the digest, of the manifest that signs.',
  })
  name!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Id of the signing key, where the signature names it.',
  })
  keyId!: string | null;

  @Field(() => String, { nullable: true, description: 'The program that made it.' })
  creator!: string | null;

  @Field(() => DateTime, { nullable: true, description: 'When it was made, by its own word.' })
  timestamp!: Date | null;

  @Field(() => String, { nullable: true, description: 'The image reference that was signed.' })
  dockerReference!: string | null;
}

export function toSignatureType(row: SignatureRow, version?: VersionKey): SignatureType {
  const { kind, name, keyId, creator, timestamp, dockerReference } = row;
  return Object.assign(new SignatureType(), {
    id: toGlobalId('Signature', row.id),
    row,
    version,
    kind,
    name,
    keyId,
    creator,
    timestamp: timestamp === null ? null : new Date(timestamp),
    dockerReference,
  });
}

export const SignatureConnection = connectionType(SignatureType, 'Signature');
