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

/** What is left of an account's quota of manifest requests, once it is used up to somebody's reserve. */
export const RequestQuota = defineEntity({
  name: 'RequestQuota',
  properties: {
    /** As of `HostCapability`. */
    scope: p.text().primary(),
    /** Host and port, for people. */
    host: p.text(),
    remaining: p.integer(),
    readAt: p.datetime(),
    probeAt: p.datetime(),
  },
});

/** The storage that the running pushes and uploads of a process will need. */
export const StorageReservation = defineEntity({
  name: 'StorageReservation',
  properties: {
    processId: p.uuid().primary(),
    bytes: p.bigint('number'),
    seenAt: p.datetime(),
  },
});

export const budgetsTables = [ByteAccount, RequestQuota, StorageReservation];
