import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import type { FurtherRules } from '../../selection/tag-rules.ts';
import { autoId, key, timestamps } from './columns/columns.ts';
import { fallbacksColumn } from './upstreams.ts';

export const remotePolicies = ['IMMEDIATE', 'ON_DEMAND', 'STREAMED'] as const;
export type RemotePolicy = (typeof remotePolicies)[number];

/** An upstream repository and how to reach it. `access/secrets.ts` encrypts the columns that end in `Sealed`. */
export const Remote = defineEntity({
  name: 'Remote',
  properties: {
    id: autoId,
    name: p.text(),
    url: p.text(),
    upstreamName: p.text(),
    policy: p.enum(remotePolicies).default('IMMEDIATE'),
    includeTags: p.array().columnType('text[]').nullable(),
    excludeTags: p.array().columnType('text[]').nullable(),
    tagRules: p
      .json<FurtherRules>()
      .onCreate(() => ({}))
      .defaultRaw("'{}'"),
    sigstore: p.text().nullable(),
    downloadConcurrency: p.integer().default(20),
    totalTimeout: p.float().columnType('double precision').nullable(),
    connectTimeout: p.float().columnType('double precision').nullable(),
    sockReadTimeout: p.float().columnType('double precision').nullable(),
    maxRetries: p.integer().default(3),
    rateLimit: p.integer().nullable(),
    /** As `timetables/rates.ts` reads it. */
    bytesPerSecond: p.text().nullable(),
    /** As `timetables/windows.ts` reads them; null: always. */
    syncWindows: p.array().columnType('text[]').nullable(),
    reserveRequests: p.integer().nullable(),
    proxyUrl: p.text().nullable(),
    proxyUrlSealed: p.text().nullable(),
    sslCaCertificate: p.text().nullable(),
    sslClientCertificate: p.text().nullable(),
    sslClientKeySealed: p.text().nullable(),
    sslValidation: p.boolean().default(true),
    followLayerUrls: p.boolean().default(false),
    headerNames: p.array().columnType('text[]').default([]),
    headersSealed: p.text().nullable(),
    username: p.text().nullable(),
    passwordSealed: p.text().nullable(),
    /** Hosts of other domains that may receive the credentials as token realm (fault 13). */
    realmHosts: p.array().columnType('text[]').default([]),
    signaturePolicyId: p.bigint('number').nullable(),
    /** In place of `username` and `passwordSealed`. */
    credentialId: p.bigint('number').nullable(),
    fallbacks: fallbacksColumn,
    ...timestamps,
  },
});
export type Remote = InferEntity<typeof Remote>;

/** The options that decide on the content of a sync. A sync keeps those that it began with. */
export type RemoteSelection = Pick<
  Remote,
  'url' | 'upstreamName' | 'policy' | 'includeTags' | 'excludeTags'
> &
  Partial<Pick<Remote, 'tagRules'>>;

/** When the next rate-limited request to a host may go out. */
export const HostBudget = defineEntity({
  name: 'HostBudget',
  properties: { host: p.text().primary(), nextRequestAt: p.datetime() },
});

/** Until when a host is throttled. The step counts consecutive throttles. */
export const HostThrottle = defineEntity({
  name: 'HostThrottle',
  properties: { host: p.text().primary(), until: p.datetime(), step: p.integer() },
});

/** An API that a host has or lacks, by its answers. */
export const HostCapability = defineEntity({
  name: 'HostCapability',
  properties: {
    /** The host with the settings that decide who answers. */
    scope: p.text().primary(),
    capability: p.enum(['REFERRERS', 'SIGNATURES'] as const).primary(),
    /** Host and port, for people. */
    host: p.text(),
    verdict: p.enum(['SUSPECTED', 'ABSENT', 'PRESENT'] as const),
    reason: p.text().nullable(),
    /** Answers that said so. */
    objects: p.integer(),
    /** Syncs and looks that said so. */
    witnesses: p.integer(),
    lastWitness: p.text(),
    learnedAt: p.datetime(),
    expiresAt: p.datetime(),
  },
});

export const hostListingStates = ['FOUND', 'ABSENT', 'REFUSED', 'LIED'] as const;

/** Which API lists the tags of a host, or of one of its repositories, with digests. Migration 0003 describes the columns. */
export const HostListing = defineEntity({
  name: 'HostListing',
  properties: {
    scope: p.text().primary(),
    repository: p.text().primary().default(''),
    host: p.text(),
    state: p.enum(hostListingStates),
    listing: p.text().nullable(),
    until: p.datetime(),
    warning: p.text().nullable(),
  },
});

/** Content that a remote has delivered, verified. */
export const RemoteContent = defineEntity({
  name: 'RemoteContent',
  properties: { remoteId: key, kind: p.enum(['manifest', 'blob'] as const).primary(), contentId: key },
});

/** A tag of a remote at its last failed sync. */
export const RemoteTag = defineEntity({
  name: 'RemoteTag',
  properties: { remoteId: key, name: p.text().primary(), digest: p.text() },
});

export const remotesTables = [
  Remote,
  HostBudget,
  HostThrottle,
  HostCapability,
  HostListing,
  RemoteContent,
  RemoteTag,
];
