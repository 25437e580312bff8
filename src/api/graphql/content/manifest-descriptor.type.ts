import { Field, ObjectType, registerEnumType } from 'type-graphql';
import type { DescriptorRow } from '../../../db/reads/read-absences.ts';
import { DigestScalar } from '../scalars.ts';

const AbsenceEnum = { BY_RULE: 'BY_RULE', UPSTREAM: 'UPSTREAM' } as const;

registerEnumType(AbsenceEnum, {
  name: 'ChildAbsence',
  description: 'Why a version lacks a manifest that one of its indexes lists.',
  valuesConfig: {
    BY_RULE: { description: 'The platforms of the remote leave it out.' },
    UPSTREAM: {
      description: 'The upstream answered 404 for it at the last sync. Each sync asks for it again.',
    },
  },
});

@ObjectType('ManifestDescriptor', {
  description: 'A manifest as an index lists it.',
  simpleResolvers: true,
})
export class ManifestDescriptorType {
  @Field(() => DigestScalar, { description: 'Digest of the manifest.' })
  digest!: string;

  @Field(() => String, { description: 'Its media type.' })
  mediaType!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The platform that the index gives, as os/architecture[/variant]; null: none.',
  })
  platform!: string | null;

  @Field(() => Boolean, {
    description:
      'Whether the manifest is stored and can be pulled. Below a version: from that version; elsewhere: from any visible repository.',
  })
  isStored!: boolean;

  @Field(() => AbsenceEnum, {
    nullable: true,
    description:
      'Why the version does not have it. Null: the version has it, its bytes were lost, or the index was not read below a version.',
  })
  absence!: keyof typeof AbsenceEnum | null;
}

export function toManifestDescriptorType(row: DescriptorRow): ManifestDescriptorType {
  const { digest, mediaType, platform, isStored, absence } = row;
  return Object.assign(new ManifestDescriptorType(), { digest, mediaType, platform, isStored, absence });
}
