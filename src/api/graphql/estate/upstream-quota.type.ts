import { Field, Int, ObjectType } from 'type-graphql';
import type { QuotaPlace, UpstreamQuota } from '../../../db/reads/figures/read-quotas.ts';
import { connectionType, readTextCursor } from '../connection.ts';
import { DateTime, atMostInt } from '../scalars.ts';

@ObjectType('UpstreamQuota', {
  description:
    'The quota of requests that a registry has announced to an account, in the RateLimit headers of its answers to syncs. Remotes of one host ' +
    'that log in alike, by one proxy, share an account.',
  simpleResolvers: true,
})
export class UpstreamQuotaType {
  row!: UpstreamQuota;

  @Field(() => String, { description: 'Host of the registry, with its port if it has one.' })
  host!: string;

  @Field(() => Int, { nullable: true, description: 'Requests in a window; null: not announced.' })
  limit!: number | null;

  @Field(() => Int, { description: 'Requests that were left at `readAt`.' })
  remaining!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'Length of the window in seconds. A window without `resetsAt` slides. Null: not announced.',
  })
  windowSeconds!: number | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the next window begins; null: not announced.',
  })
  resetsAt!: Date | null;

  @Field(() => DateTime, { description: 'When a sync last had an answer with the quota.' })
  readAt!: Date;
}

export const UpstreamQuotaConnection = connectionType(UpstreamQuotaType, 'UpstreamQuota');

export function toUpstreamQuota(row: UpstreamQuota): UpstreamQuotaType {
  const { host, limit, remaining, windowSeconds, resetsAt, readAt } = row;
  return Object.assign(new UpstreamQuotaType(), {
    row,
    host,
    limit: limit === null ? null : atMostInt(limit),
    remaining: atMostInt(remaining),
    windowSeconds: windowSeconds === null ? null : atMostInt(windowSeconds),
    resetsAt,
    readAt,
  });
}

/** The name of the list of quotas in its cursors. */
export const quotaList = 'upstreamQuotas';

export function quotaKey({ host, scope }: QuotaPlace): string {
  return `${scope} ${host}`;
}

/** @throws GraphQLError `BAD_USER_INPUT` if the text is not a cursor of this list. */
export function readQuotaCursor(after: string | null): QuotaPlace | undefined {
  const key = readTextCursor(quotaList, after);
  if (key === undefined) return undefined;
  const end = key.indexOf(' ');
  return { scope: key.slice(0, end), host: key.slice(end + 1) };
}
