import { AccessToken, AccessGrant } from './access.ts';
import {
  Blob,
  Manifest,
  ManifestManifest,
  ManifestBlob,
  RepositoryBlob,
  RepositorySource,
} from './content.ts';
import { Distribution, DistributionMove } from './distributions.ts';
import { Installation, SecretRotation } from './installation.ts';
import { Remote, HostBudget, HostThrottle, RemoteContent, RemoteTag } from './remotes.ts';
import { Repository, Upload } from './repositories.ts';
import { Schedule, ScheduleRemoval, ScheduleRun } from './schedules.ts';
import { SignaturePolicy, Signature, SignatureVerdict } from './signatures.ts';
import {
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
} from './staging.ts';
import { Task, TaskWarning, TaskProgress, TaskThrottle, TaskPlan, TaskPlanTag } from './tasks.ts';
import { RepositoryVersion, TagMembership, RootMembership, Membership } from './versions.ts';

/** Each table that the migrations make, in the order of the files. */
export const entities = [
  AccessToken,
  AccessGrant,
  Blob,
  Manifest,
  ManifestManifest,
  ManifestBlob,
  RepositoryBlob,
  RepositorySource,
  Distribution,
  DistributionMove,
  Installation,
  SecretRotation,
  Remote,
  HostBudget,
  HostThrottle,
  RemoteContent,
  RemoteTag,
  Repository,
  Upload,
  Schedule,
  ScheduleRemoval,
  ScheduleRun,
  SignaturePolicy,
  Signature,
  SignatureVerdict,
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
  Task,
  TaskWarning,
  TaskProgress,
  TaskThrottle,
  TaskPlan,
  TaskPlanTag,
  RepositoryVersion,
  TagMembership,
  RootMembership,
  Membership,
];
