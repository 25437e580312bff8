import { defineEntity, p } from '@mikro-orm/postgresql';
import { key } from './columns.ts';

/* The stage of a sync. Migration 0010 describes the tables. */

export const SyncName = defineEntity({
  name: 'SyncName',
  tableName: 'sync_name',
  properties: {
    taskId: key,
    listing: p.integer().primary(),
    firstPosition: p.integer().primary(),
    names: p.array().columnType('text[]'),
  },
});

export const SyncTag = defineEntity({
  name: 'SyncTag',
  tableName: 'sync_tag',
  properties: {
    taskId: key,
    name: p.text().primary(),
    manifestId: p.bigint('number').nullable(),
    isRefused: p.boolean().default(false),
  },
});

export const SyncRoot = defineEntity({
  name: 'SyncRoot',
  tableName: 'sync_root',
  properties: {
    taskId: key,
    manifestId: key,
    name: p.text().primary(),
    isRemoved: p.boolean().default(false),
    isRefused: p.boolean().default(false),
  },
});

export const SyncWalked = defineEntity({
  name: 'SyncWalked',
  tableName: 'sync_walked',
  properties: { taskId: key, name: p.text().primary() },
});

export const SyncCompanion = defineEntity({
  name: 'SyncCompanion',
  tableName: 'sync_companion',
  properties: { taskId: key, name: p.text().primary(), isSelected: p.boolean().default(false) },
});

export const SyncAsked = defineEntity({
  name: 'SyncAsked',
  tableName: 'sync_asked',
  properties: { taskId: key, manifestId: key },
});

export const SyncBlob = defineEntity({
  name: 'SyncBlob',
  tableName: 'sync_blob',
  properties: {
    taskId: key,
    batch: p.integer().primary(),
    blobId: key,
    sizeBytes: p.bigint('number'),
    isDone: p.boolean().default(false),
    isEntry: p.boolean().default(false),
    isOptional: p.boolean().default(false),
    isAbsent: p.boolean().default(false),
    inlineManifestId: p.bigint('number').nullable(),
  },
});

export const SyncSigned = defineEntity({
  name: 'SyncSigned',
  tableName: 'sync_signed',
  properties: { taskId: key, position: p.integer().primary(), manifestId: p.bigint('number') },
});

export const SyncProblem = defineEntity({
  name: 'SyncProblem',
  tableName: 'sync_problem',
  properties: { taskId: key, subjectDigest: p.text().primary(), reason: p.text() },
});

export const SyncSignature = defineEntity({
  name: 'SyncSignature',
  tableName: 'sync_signature',
  properties: { taskId: key, signatureId: key },
});

export const SyncSigner = defineEntity({
  name: 'SyncSigner',
  tableName: 'sync_signer',
  properties: { taskId: key, signatureId: key, rank: p.integer().default(1) },
});

export const stagingTables = [
  SyncName,
  SyncTag,
  SyncRoot,
  SyncWalked,
  SyncCompanion,
  SyncAsked,
  SyncBlob,
  SyncSigned,
  SyncProblem,
  SyncSignature,
  SyncSigner,
];
