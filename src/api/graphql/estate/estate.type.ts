import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { freshnessStates } from '../../../db/reads/figures/read-freshness.ts';
import type { FreshnessState } from '../../../db/reads/figures/read-freshness.ts';
import type { StorageFigures } from '../../../db/reads/figures/read-storage.ts';
import { ByteCount, DateTime } from '../scalars.ts';

export const FreshnessEnum = {
  SYNCING: 'SYNCING',
  FAILING: 'FAILING',
  LATE: 'LATE',
  FRESH: 'FRESH',
  UNSCHEDULED: 'UNSCHEDULED',
} as const satisfies Record<FreshnessState, FreshnessState>;

registerEnumType(FreshnessEnum, {
  name: 'Freshness',
  description: 'How a repository stands against its schedules, the first that applies. Dry runs are ignored.',
  valuesConfig: {
    SYNCING: { description: 'A sync is waiting or running.' },
    FAILING: { description: 'The last sync failed.' },
    LATE: { description: 'The next sync should have ended already (`Repository.syncExpectedAt`).' },
    FRESH: { description: 'The last sync completed, and the next is not late.' },
    UNSCHEDULED: { description: 'The repository has no schedule.' },
  },
});

@ObjectType('Estate', {
  description: 'All repositories that the caller may read, in figures.',
  simpleResolvers: true,
})
export class EstateType {
  @Field(() => Int, { description: 'Number of repositories.' })
  repositories!: number;

  @Field(() => Int, { description: 'Repositories whose freshness is FRESH.' })
  fresh!: number;

  @Field(() => Int, { description: 'Repositories whose freshness is LATE.' })
  late!: number;

  @Field(() => Int, { description: 'Repositories whose freshness is FAILING.' })
  failing!: number;

  @Field(() => Int, { description: 'Repositories whose freshness is SYNCING.' })
  syncing!: number;

  @Field(() => Int, { description: 'Repositories whose freshness is UNSCHEDULED.' })
  unscheduled!: number;
}

@ObjectType('EstateStorage', {
  description:
    'Stored blobs of all kept versions of these repositories. Manifests, and layers that are not stored yet, are not counted.',
  simpleResolvers: true,
})
export class EstateStorageType {
  @Field(() => ByteCount, {
    description:
      'Bytes that the repositories would need if they shared nothing: each blob once for each repository.',
  })
  logicalBytes!: number;

  @Field(() => ByteCount, { description: 'Bytes in the store: each blob once.' })
  storedBytes!: number;

  @Field(() => ByteCount, { description: 'Bytes saved by sharing: logicalBytes minus storedBytes.' })
  savedBytes!: number;
}

@ObjectType('EstateDay', {
  description: 'Storage and pulls of one day in UTC, over all repositories that the caller may read.',
  simpleResolvers: true,
})
export class EstateDayType {
  @Field(() => DateTime, { description: 'The start of the day.' })
  day!: Date;

  @Field(() => ByteCount, {
    description:
      'Bytes of the blobs that are stored now, as in EstateStorage, and were stored by the end of the day. Blobs that have been removed since ' +
      'are not counted.',
  })
  storedBytes!: number;

  @Field(() => Int, {
    description:
      'Manifests that clients have fetched from /v2/. HEAD and answers without a body are not counted.',
  })
  pulls!: number;

  @Field(() => ByteCount, {
    description:
      'Bytes of manifests and blobs that this server has sent for them. Transfers that broke off, and blobs that clients were sent to S3 for, are ' +
      'not counted.',
  })
  servedBytes!: number;
}

export function toEstateType(counts: ReadonlyMap<FreshnessState, number>): EstateType {
  const [syncing = 0, failing = 0, late = 0, fresh = 0, unscheduled = 0] = freshnessStates.map(
    (state) => counts.get(state) ?? 0,
  );
  const repositories = syncing + failing + late + fresh + unscheduled;
  return Object.assign(new EstateType(), { repositories, fresh, late, failing, syncing, unscheduled });
}

export function toEstateStorageType({ logicalBytes, storedBytes }: StorageFigures): EstateStorageType {
  const savedBytes = logicalBytes - storedBytes;
  return Object.assign(new EstateStorageType(), { logicalBytes, storedBytes, savedBytes });
}
