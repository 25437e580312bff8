import { defineEntity, p } from '@mikro-orm/postgresql';
import { key } from './columns/columns.ts';

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

/** The quota that a host has last announced to a remote. Migration 0014 describes the columns. */
export const AnnouncedQuota = defineEntity({
  name: 'AnnouncedQuota',
  properties: {
    scope: p.text().primary(),
    remoteId: key,
    host: p.text(),
    requestLimit: p.bigint('number').nullable(),
    remaining: p.bigint('number'),
    windowSeconds: p.bigint('number').nullable(),
    resetsAt: p.datetime().nullable(),
    readAt: p.datetime(),
    knownUntil: p.datetime(),
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

export const budgetsTables = [ByteAccount, RequestQuota, AnnouncedQuota, StorageReservation];
