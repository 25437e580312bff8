import { Field, Int, ObjectType } from 'type-graphql';
import type { ServedAtRow } from '../../../db/access/pointers.ts';

@ObjectType('RepositoryServedAt', {
  description: 'A distribution that serves the repository.',
  simpleResolvers: true,
})
export class RepositoryServedAtType {
  @Field(() => String, { description: 'Path after the host in the names that clients pull.' })
  basePath!: string;

  @Field(() => Boolean, {
    description: 'Whether pulls need the role reader for the base path.',
  })
  private!: boolean;

  @Field(() => Int, {
    nullable: true,
    description: 'Number of the pinned version; null: the distribution follows the latest.',
  })
  versionNumber!: number | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Name of the token, or the OIDC subject, that set the target; null for the distribution at the repository's own name, or when logins " +
      'were off.',
  })
  pointedBy!: string | null;

  @Field(() => Boolean, {
    description:
      'Whether pulls are served. False once the caller who set the target may no longer read the repository: pulls are answered with 404 ' +
      'until a caller who may read it points the distribution again (distributionPoint). An expired or revoked token may read nothing.',
  })
  isServed!: boolean;
}

export function toServedAtType(row: ServedAtRow): RepositoryServedAtType {
  const { basePath, version, isPrivate, pointedBy, isServed } = row;
  return Object.assign(new RepositoryServedAtType(), {
    basePath,
    private: isPrivate,
    versionNumber: version,
    pointedBy,
    isServed,
  });
}
