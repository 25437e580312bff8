import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { may } from '../../../access/viewer.ts';
import { countNamed, findNamedId, readNamedPage } from '../../../db/reads/read-named.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { readNumberCursor, readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { loadPage } from '../loaders.ts';
import { afterOption, checkIdOrName, firstOption, isStorableText } from '../page-arguments.ts';
import { WebhookDeliveryConnection, WebhookDeliveryType, toDeliveryType } from './webhook-delivery.type.ts';
import { webhookText } from './webhook-text.ts';
import { WebhookConnection, WebhookType, toWebhookType } from './webhook.type.ts';

@Resolver(() => WebhookType)
export class WebhookResolver {
  @Query(() => WebhookType, {
    nullable: true,
    description: 'A webhook by id or by name; null when there is none.',
  })
  async webhook(
    @Arg('id', () => ID, { nullable: true, description: 'The id.' }) id: string | null,
    @Arg('name', () => String, { nullable: true, description: 'The name.' }) name: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<WebhookType | null> {
    checkIdOrName(id, name);
    const isNamed = typeof name === 'string';
    const byName = isNamed && isStorableText(name) ? await findNamedId(em, 'webhook', name) : undefined;
    const key = isNamed ? byName : parseNumericId('Webhook', id ?? '');
    const row = key === undefined ? undefined : await loaders.webhooks.load(key);
    return row === undefined ? null : toWebhookType(row);
  }

  @Query(() => WebhookConnection, { description: 'Webhooks that the caller may read, ordered by name.' })
  async webhooks(
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<WebhookType>> {
    const page = await readNamedPage(em, loaders.visibility, 'webhook', {
      first: checkFirst(first),
      after: readTextCursor('webhooks', after),
    });
    return toConnection(await loadPage(page, loaders.webhooks), {
      list: 'webhooks',
      after,
      keyOf: ({ value }) => value.name,
      nodeOf: ({ value }) => toWebhookType(value),
      countTotal: () => countNamed(em, loaders.visibility, 'webhook'),
    });
  }

  @FieldResolver(() => String, {
    description: `${webhookText.url} Callers without the role maintainer see scheme and host only, because the rest may be secret.`,
  })
  url(@Root() { row }: WebhookType, @Ctx() { viewer }: RequestContext): string {
    return may(viewer, 'maintainer', row.name) ? row.url : `${new URL(row.url).origin}/…`;
  }

  @FieldResolver(() => WebhookDeliveryConnection, {
    description:
      'The last deliveries, newest first: of the last seven days, and at most 1,000 besides those that wait.',
  })
  async deliveries(
    @Root() { row }: WebhookType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<WebhookDeliveryType>> {
    const page = await loaders.deliveryPages.load({
      parent: row.id,
      page: { first: checkFirst(first), after: readNumberCursor('deliveries', after) },
    });
    return toConnection(page, {
      list: 'deliveries',
      after,
      keyOf: ({ id }) => id,
      nodeOf: toDeliveryType,
      countTotal: () => loaders.deliveryCounts.load(row.id),
    });
  }
}

@Resolver(() => WebhookDeliveryType)
export class WebhookDeliveryResolver {
  @FieldResolver(() => String, {
    nullable: true,
    description:
      'The beginning of the last answer that was no success, up to 1 KiB. Null: none, or the caller lacks the role maintainer.',
  })
  responseText(@Root() { row }: WebhookDeliveryType, @Ctx() { viewer }: RequestContext): string | null {
    return may(viewer, 'maintainer', row.webhookName) ? row.responseText : null;
  }
}
