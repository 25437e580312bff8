import { Field, Int, ObjectType } from 'type-graphql';
import type { TaskUpstreamRow } from '../../../db/upstreams/task-upstreams.ts';
import { ByteCount } from '../scalars.ts';

@ObjectType('TaskUpstream', {
  description:
    'An upstream of a sync, with what it has delivered. Content that was delivered again counts again.',
  simpleResolvers: true,
})
export class TaskUpstreamType {
  @Field(() => String, { description: 'Base URL of the registry API.' })
  url!: string;

  @Field(() => String, { description: 'Name of the repository there.' })
  upstreamName!: string;

  @Field(() => Boolean, {
    description: "Whether it is a fallback. Otherwise it is the remote's own upstream.",
  })
  isFallback!: boolean;

  @Field(() => Boolean, {
    description:
      'Whether the tags of the sync are those of this upstream. The tags of a fallback are added only: none is moved or removed.',
  })
  hasList!: boolean;

  @Field(() => Int, { description: 'Manifests delivered.' })
  manifests!: number;

  @Field(() => Int, {
    description:
      'Blobs delivered. A blob that broke off counts for the upstream that delivered its last byte.',
  })
  blobs!: number;

  @Field(() => ByteCount, { description: 'Bytes of manifests and blobs delivered.' })
  bytes!: number;
}

export function toTaskUpstream(row: TaskUpstreamRow): TaskUpstreamType {
  const { url, upstreamName, position, hasList, manifests, blobs, bytes } = row;
  return Object.assign(new TaskUpstreamType(), {
    url,
    upstreamName,
    isFallback: position > 0,
    hasList,
    manifests,
    blobs,
    bytes,
  });
}
