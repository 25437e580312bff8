import { Field, ObjectType, registerEnumType } from 'type-graphql';
import type { BlobRow } from '../../../db/reads/read-content.ts';
import type { ManifestRow } from '../../../db/reads/read-manifests.ts';
import type { SignatureRow } from '../../../db/reads/read-signatures.ts';
import type { TagRow } from '../../../db/reads/tags/read-tags.ts';
import type { VersionKey } from '../../../db/reads/read-versions.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { ByteCount, DateTime, DigestScalar } from '../scalars.ts';

@ObjectType('Tag', {
  implements: NodeType,
  description: 'A name for a manifest in a repository.',
  simpleResolvers: true,
})
export class TagType extends NodeType {
  row!: TagRow;
  /** The version in which it was queried. */
  version!: VersionKey | undefined;

  @Field(() => String, { description: 'Name of the tag, e.g. latest.' })
  name!: string;

  @Field(() => DigestScalar, { description: 'Digest of the tagged manifest.' })
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
  description: 'An image manifest, an index or an artifact manifest.',
  simpleResolvers: true,
})
export class ManifestType extends NodeType {
  row!: ManifestRow;
  /** The version in which it was queried: its signatures and referrers are read from there. */
  version!: VersionKey | undefined;

  @Field(() => DigestScalar, { description: 'Digest of the document.' })
  digest!: string;

  @Field(() => String, { description: 'Media type as served by the upstream.' })
  mediaType!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The artifact type; null when the document declares none.',
  })
  artifactType!: string | null;

  @Field(() => ByteCount, { description: 'Size of the document.' })
  sizeBytes!: number;

  @Field(() => String, {
    nullable: true,
    description: 'Platform as os/architecture[/variant]; null for an index or an artifact.',
  })
  platform!: string | null;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'Digest of the subject, e.g. the manifest that this one signs; null: none.',
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
  description: 'A blob: a config or a layer.',
  simpleResolvers: true,
})
export class BlobType extends NodeType {
  row!: BlobRow;

  @Field(() => DigestScalar, { description: 'Digest of the bytes.' })
  digest!: string;

  @Field(() => ByteCount, {
    description: 'Size of the stored bytes; until they are stored, the size that a manifest declares.',
  })
  sizeBytes!: number;

  @Field(() => String, {
    nullable: true,
    description: 'Media type as declared by a manifest; null when none declares one.',
  })
  mediaType!: string | null;

  @Field(() => Boolean, {
    description: 'Whether the bytes are stored. Foreign layers are recorded but not fetched.',
  })
  isStored!: boolean;
}

export function toBlobType(row: BlobRow): BlobType {
  const { digest, sizeBytes, mediaType, isStored } = row;
  return Object.assign(new BlobType(), {
    id: toGlobalId('Blob', row.id),
    row,
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
  description: 'Kinds of signatures.',
  valuesConfig: {
    ATOMIC: {
      description:
        'A simple-signing (atomic container) signature, from a signature store or a registry extension.',
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

  @Field(() => SignatureKind, { description: 'Kind of the signature.' })
  kind!: SignatureKind;

  @Field(() => String, {
    description:
      "Name of the signature. ATOMIC: the signed digest, `@`, and 32 digits of the signature's own digest. COSIGN: the tag or digest of the " +
      'signature manifest.',
  })
  name!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Id of the signing key; null when the signature contains none.',
  })
  keyId!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The program that created the signature; null when unknown.',
  })
  creator!: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Creation time as stated in the signature; null when it states none.',
  })
  timestamp!: Date | null;

  @Field(() => String, {
    nullable: true,
    description: 'The signed image reference; null when the signature contains none.',
  })
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
