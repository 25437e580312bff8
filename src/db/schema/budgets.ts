import { defineEntity, p } from '@mikro-orm/postgresql';

/** The bandwidth of a remote or of a host. Migration 0014 describes the columns. */
export const ByteAccount = defineEntity({
  name: 'ByteAccount',
  properties: {
    scope: p.text().primary(),
    remoteId: p.bigint('number').nullable(),
    freeAt: p.datetime(),
    leasedAt: p.datetime(),
  },
});

export const budgetsTables = [ByteAccount];
