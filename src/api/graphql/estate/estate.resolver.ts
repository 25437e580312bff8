import { Arg, Ctx, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import { countFreshness } from '../../../db/reads/figures/read-freshness.ts';
import type { FreshnessState } from '../../../db/reads/figures/read-freshness.ts';
import { readDays } from '../../../db/reads/figures/read-days.ts';
import { readStorage } from '../../../db/reads/figures/read-storage.ts';
import { readRecentVersions } from '../../../db/reads/read-versions.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { RepositoryType } from '../repositories/repository.type.ts';
import { DateTime } from '../scalars.ts';
import { RepositoryVersionType, toRepositoryVersionType } from '../versions/version.type.ts';
import {
  EstateDayType,
  EstateStorageType,
  EstateType,
  FreshnessEnum,
  toEstateStorageType,
  toEstateType,
} from './estate.type.ts';

@Resolver(() => EstateType)
export class EstateResolver {
  @Query(() => EstateType, {
    description: 'How many of the repositories that the caller may read are fresh, late, failing or syncing.',
  })
  async estate(@Ctx() { em, loaders }: RequestContext): Promise<EstateType> {
    return toEstateType(await countFreshness(em, loaders.visibility));
  }

  @FieldResolver(() => EstateStorageType, { description: 'Storage of the repositories.' })
  async storage(@Ctx() { em, loaders }: RequestContext): Promise<EstateStorageType> {
    return toEstateStorageType(await readStorage(em, loaders.visibility));
  }

  @FieldResolver(() => [EstateDayType], {
    description: 'Storage and pulls of the last days, newest first. The first one is the present day.',
  })
  async days(
    @Arg('first', () => Int, { description: 'How many, 1 to 100.' }) first: number,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<EstateDayType[]> {
    const days = await readDays(em, loaders.visibility, checkFirst(first));
    return days.map((day) => Object.assign(new EstateDayType(), day));
  }

  @FieldResolver(() => [RepositoryVersionType], {
    description: 'The newest versions of all these repositories, newest first.',
  })
  async recentVersions(
    @Arg('first', () => Int, { description: 'How many, 1 to 100.' }) first: number,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<RepositoryVersionType[]> {
    const keys = await readRecentVersions(em, loaders.visibility, checkFirst(first));
    const versions = await loaders.versions.loadMany(keys);
    return versions.flatMap((version) => {
      if (version instanceof Error) throw version;
      return version === undefined ? [] : [toRepositoryVersionType(version)];
    });
  }
}

@Resolver(() => RepositoryType)
export class RepositoryFreshnessResolver {
  @FieldResolver(() => FreshnessEnum, { description: 'How the repository stands against its schedules.' })
  async freshness(
    @Root() { row }: RepositoryType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<FreshnessState> {
    return (await loaders.freshness.load(row.id)).state;
  }

  @FieldResolver(() => DateTime, {
    nullable: true,
    description:
      'When the next sync should have ended: the last one plus the interval of the most frequent schedule, its jitter, and a tenth of the ' +
      'interval (at least five minutes). A paused schedule counts. The interval of a cron is the longest pause between its next runs. Null ' +
      'without a schedule, or while the interval is unknown.',
  })
  async syncExpectedAt(
    @Root() { row }: RepositoryType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Date | null> {
    return (await loaders.freshness.load(row.id)).expectedAt;
  }
}
