import { Field, InputType, Int, ObjectType } from 'type-graphql';
import type { UpkeepReport } from '../../../db/schema/tasks.ts';
import { ByteCount } from '../scalars.ts';

@InputType('ContentCollectInput', { description: 'Options of a garbage collection.' })
export class ContentCollectInput {
  @Field(() => Boolean, {
    nullable: true,
    description: 'Only count what would be removed. Default: false.',
  })
  dryRun?: boolean | null;
}

@ObjectType('UpkeepReport', {
  description:
    'The result of a garbage collection or a verification. With `dryRun`, what a collection would remove.',
  simpleResolvers: true,
})
export class UpkeepReportType {
  @Field(() => Int, {
    description: 'Versions beyond `retainVersions` that were removed; 0 for a verification.',
  })
  versions!: number;

  @Field(() => Int, { description: 'Manifests that were removed, or verified.' })
  manifests!: number;

  @Field(() => Int, { description: 'Blobs that were removed, or verified.' })
  blobs!: number;

  @Field(() => ByteCount, { description: 'Bytes of those blobs and of `files`.' })
  bytes!: number;

  @Field(() => Int, { description: 'Unknown files in the blob store that were removed.' })
  files!: number;

  @Field(() => Int, { description: 'Missing blobs; the next sync fetches them.' })
  missing!: number;

  @Field(() => Int, {
    description:
      'Blobs and manifests whose bytes did not match their digests. They were removed; the next sync fetches them.',
  })
  damaged!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'The grace period in seconds: unused content is removed after it; null for a verification.',
  })
  graceSeconds!: number | null;
}

export function toUpkeepReport(report: UpkeepReport): UpkeepReportType {
  const count = (name: string): number => report[name] ?? 0;
  return Object.assign(new UpkeepReportType(), {
    versions: count('versions'),
    manifests: count('manifests'),
    blobs: count('blobs'),
    bytes: count('bytes'),
    files: count('files'),
    missing: count('missing'),
    graceSeconds: report['graceSeconds'] ?? null,
    damaged: count('damaged') + count('damagedManifests'),
  });
}

@ObjectType('SecretsRotatePayload', {
  description: 'The result of a key rotation.',
  simpleResolvers: true,
})
export class SecretsRotatePayload {
  @Field(() => Int, {
    description: 'Number of secrets that this rotation encrypted again.',
  })
  resealed!: number;

  @Field(() => [String], {
    description:
      'The first 20 secrets that no key decrypts, e.g. "remote:12:password". They are unchanged; set them again.',
  })
  unreadable!: string[];
}
