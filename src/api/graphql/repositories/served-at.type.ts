import { Field, Int, ObjectType } from 'type-graphql';
import type { ServedAtRow } from '../../../db/access/pointers.ts';

@ObjectType('RepositoryServedAt', {
  description: 'A distribution that serves a repository, as the repository shows it.',
  simpleResolvers: true,
})
export class RepositoryServedAtType {
  @Field(() => String, { description: 'What clients pull from, after the host.' })
  basePath!: string;

  @Field(() => Boolean, {
    description: 'Whether only those with the role reader on the base path may pull from it.',
  })
  private!: boolean;

  @Field(() => Int, {
    nullable: true,
    description: 'Number of the version that is pinned; null: it follows the latest.',
  })
  versionNumber!: number | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Name of the token, or OIDC subject, that pointed it at the repository; null for the one at its own name, and where logins were off.',
  })
  pointedBy!: string | null;

  @Field(() => Boolean, {
    description:
      'False once whoever pointed it may not read the repository any more: pulls are answered as if nothing were there, until somebody ' +
      'who may read it points it again (distributionPoint). An expired or revoked token reads nothing.',
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
