import { Field, InputType, Int, ObjectType } from 'type-graphql';
import type { UpkeepReport } from '../../../db/schema/tasks.ts';
import { ByteCount } from '../scalars.ts';

@InputType('ContentCollectInput', { description: 'How to clean up.' })
export class ContentCollectInput {
  @Field(() => Boolean, {
    nullable: true,
    description: 'Only count what would be removed now. Default false.',
  })
  dryRun?: boolean | null;
}

@ObjectType('UpkeepReport', {
  description: 'What a clean-up has removed (or would remove, with `dryRun`), or a verification has found.',
  simpleResolvers: true,
})
export class UpkeepReportType {
  @Field(() => Int, { description: 'Versions beyond what their repositories keep; of a clean-up.' })
  versions!: number;

  @Field(() => Int, { description: 'Manifests: removed, or hashed again.' })
  manifests!: number;

  @Field(() => Int, { description: 'Blobs: removed, or hashed again.' })
  blobs!: number;

  @Field(() => ByteCount, { description: 'Bytes of those blobs, and of `files`.' })
  bytes!: number;

  @Field(() => Int, { description: 'Files of the blob store that nothing knew of, and that were removed.' })
  files!: number;

  @Field(() => Int, { description: 'Blobs that were not there; the next sync fetches them.' })
  missing!: number;

  @Field(() => Int, {
    description: 'Blobs and manifests whose bytes were not theirs: removed; the next sync fetches them.',
  })
  damaged!: number;

  @Field(() => Int, {
    nullable: true,
    description:
      'Seconds that content has to be without use before a clean-up removes it; null for a verification.',
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
  description: 'What became of the stored secrets.',
  simpleResolvers: true,
})
export class SecretsRotatePayload {
  @Field(() => Int, {
    description: 'Secrets that were encrypted with the first key; the others were already.',
  })
  resealed!: number;

  @Field(() => [String], {
    description:
      'Secrets that could not be opened, and were left as they are, e.g. "remote:12:password"; the first 20. Set them anew.',
  })
  unreadable!: string[];
}
