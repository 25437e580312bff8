import { Field, ObjectType } from 'type-graphql';
import type { Remote } from '../../../db/schema/remotes.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { connectionType } from '../connection.ts';
import { NodeType } from '../node.type.ts';
import { Payload } from '../payload.type.ts';
import { DateTime } from '../scalars.ts';
import { RemoteSettings, settingsOf } from './remote-settings.type.ts';
import { toUpstream } from './upstream.type.ts';

@ObjectType('Remote', {
  implements: [NodeType, RemoteSettings],
  description:
    'An upstream repository and the settings to access it. Password, client key and header values are write-only.',
  simpleResolvers: true,
})
export class RemoteType extends RemoteSettings {
  row!: Remote;

  @Field(() => String, { description: 'Unique name, 1 to 255 characters.' })
  name!: string;

  @Field(() => String, { description: 'Base URL of the registry API, e.g. https://registry-1.docker.io.' })
  url!: string;

  @Field(() => String, { description: 'Name of the repository at the upstream, e.g. pulp/test-fixture-1.' })
  upstreamName!: string;

  @Field(() => Boolean, { description: 'Whether a client key is stored. The API never returns it.' })
  hasSslClientKey!: boolean;

  @Field(() => [String], {
    description: 'Names of the extra request headers. The API never returns their values.',
  })
  headerNames!: string[];

  @Field(() => Boolean, {
    description: 'Whether a password is stored. The API never returns it.',
  })
  hasPassword!: boolean;

  @Field(() => DateTime, { description: 'Creation time.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'Time of the last change.' })
  updatedAt!: Date;
}

export function toRemoteType(row: Remote): RemoteType {
  const { name, url, upstreamName, createdAt, updatedAt } = row;
  return Object.assign(new RemoteType(), {
    id: toGlobalId('Remote', row.id),
    row,
    name,
    url,
    upstreamName,
    createdAt,
    updatedAt,
    ...settingsOf({ ...row, ...row.tagRules }),
    hasSslClientKey: typeof row.sslClientKeySealed === 'string',
    headerNames: row.headerNames,
    fallbacks: row.fallbacks.map(toUpstream),
    hasPassword: typeof row.passwordSealed === 'string',
  });
}

export const RemoteConnection = connectionType(RemoteType, 'Remote');

@ObjectType('RemotePayload', { description: 'The result of a remote mutation.', simpleResolvers: true })
export class RemotePayload extends Payload {
  @Field(() => RemoteType, {
    nullable: true,
    description: 'The remote after the change; null on error.',
  })
  remote!: RemoteType | null;
}
