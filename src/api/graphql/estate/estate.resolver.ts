import { Arg, Ctx, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import { countFreshness } from '../../../db/reads/figures/read-freshness.ts';
import type { FreshnessState } from '../../../db/reads/figures/read-freshness.ts';
import { countUpstreamQuotas, readUpstreamQuotas } from '../../../db/reads/figures/read-quotas.ts';
import { readDays } from '../../../db/reads/figures/read-days.ts';
import { readStorage } from '../../../db/reads/figures/read-storage.ts';
import { readRecentVersions } from '../../../db/reads/read-versions.ts';
import { toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { afterOption, firstOption } from '../page-arguments.ts';
import { RemoteType, toRemoteType } from '../remotes/remote.type.ts';
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
import {
  UpstreamQuotaConnection,
  UpstreamQuotaType,
  quotaKey,
  quotaList,
  readQuotaCursor,
  toUpstreamQuota,
} from './upstream-quota.type.ts';

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

  @FieldResolver(() => UpstreamQuotaConnection, {
    description:
      'What is left of the quotas that registries announce to the remotes that the caller may read, ordered by host. A quota whose window has ' +
      'ended is left out until the next sync.',
  })
  async upstreamQuotas(
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<UpstreamQuotaType>> {
    const place = readQuotaCursor(after);
    const page = await readUpstreamQuotas(em, loaders.visibility, {
      first: checkFirst(first),
      ...(place !== undefined && { after: place }),
    });
    return toConnection(page, {
      list: quotaList,
      after,
      keyOf: quotaKey,
      nodeOf: toUpstreamQuota,
      countTotal: () => countUpstreamQuotas(em, loaders.visibility),
    });
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

@Resolver(() => UpstreamQuotaType)
export class UpstreamQuotaResolver {
  @FieldResolver(() => RemoteType, {
    nullable: true,
    description: 'The remote that was told last; null if it has just been deleted.',
  })
  async remote(
    @Root() { row }: UpstreamQuotaType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<RemoteType | null> {
    const remote = await loaders.remotes.load(row.remoteId);
    return remote === undefined ? null : toRemoteType(remote);
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
