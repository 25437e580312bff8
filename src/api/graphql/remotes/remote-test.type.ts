import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type {
  ProbeLogin,
  ProbeOutcome,
  ProbeStepName,
  RegistryProbe,
} from '../../../oci/hosts/registry-probe.ts';
import { Payload } from '../payload.type.ts';
import { atMostInt } from '../scalars.ts';

const RemoteTestStepNameEnum = {
  REACH: 'REACH',
  TLS: 'TLS',
  LOGIN: 'LOGIN',
  LIST: 'LIST',
  HEAD: 'HEAD',
  REFERRERS: 'REFERRERS',
  PAGE_SIZE: 'PAGE_SIZE',
  RATE_LIMIT: 'RATE_LIMIT',
} as const satisfies { readonly [Name in ProbeStepName]: Name };
registerEnumType(RemoteTestStepNameEnum, {
  name: 'RemoteTestStepName',
  description: 'Steps of a remote test.',
  valuesConfig: {
    REACH: { description: 'Whether the upstream responds.' },
    TLS: { description: 'Whether the certificate of the upstream is valid and trusted.' },
    LOGIN: { description: 'Whether the upstream accepts the credentials.' },
    LIST: { description: 'Whether the upstream lists the tags of the repository.' },
    HEAD: { description: 'Whether the upstream answers HEAD of a manifest with its digest.' },
    REFERRERS: { description: 'Whether the upstream supports the referrers API.' },
    PAGE_SIZE: { description: 'Whether the tag list honours a page size.' },
    RATE_LIMIT: { description: 'The rate limit that the upstream states.' },
  },
});

const RemoteTestOutcomeEnum = {
  PASSED: 'PASSED',
  WARNING: 'WARNING',
  FAILED: 'FAILED',
  SKIPPED: 'SKIPPED',
} as const satisfies { readonly [Outcome in ProbeOutcome]: Outcome };
registerEnumType(RemoteTestOutcomeEnum, {
  name: 'RemoteTestOutcome',
  description: 'Outcomes of a test step.',
  valuesConfig: {
    PASSED: { description: 'The step passed.' },
    WARNING: { description: 'The step found a limitation; a sync works nevertheless.' },
    FAILED: { description: 'A sync would fail.' },
    SKIPPED: { description: 'Skipped, because an earlier step failed.' },
  },
});

const RemoteTestLoginEnum = {
  NONE: 'NONE',
  ACCEPTED: 'ACCEPTED',
  NOT_ASKED: 'NOT_ASKED',
  REFUSED: 'REFUSED',
} as const satisfies { readonly [Login in ProbeLogin]: Login };
registerEnumType(RemoteTestLoginEnum, {
  name: 'RemoteTestLogin',
  description: 'Result of the login.',
  valuesConfig: {
    NONE: { description: 'The remote has no credentials.' },
    ACCEPTED: { description: 'The credentials were accepted.' },
    NOT_ASKED: { description: 'The upstream did not ask for credentials.' },
    REFUSED: { description: 'The credentials were refused.' },
  },
});

@InputType('RemoteTestInput', { description: 'The remote to test.' })
export class RemoteTestInput {
  @Field(() => ID, { description: 'The remote.' })
  id!: string;
}

@ObjectType('RemoteTestStep', { description: 'A step of a remote test.', simpleResolvers: true })
export class RemoteTestStep {
  @Field(() => RemoteTestStepNameEnum, { description: 'The step.' })
  name!: ProbeStepName;

  @Field(() => RemoteTestOutcomeEnum, { description: 'The outcome.' })
  outcome!: ProbeOutcome;

  @Field(() => String, { description: 'The finding, as a sentence.' })
  message!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The error code with which a task would fail; null when there was no error.',
  })
  code!: string | null;
}

@ObjectType('RemoteTestRateLimit', {
  description: 'A rate limit as stated by the upstream. A field is null when the upstream does not state it.',
  simpleResolvers: true,
})
export class RemoteTestRateLimit {
  @Field(() => Int, { nullable: true, description: 'Requests per window.' })
  limit!: number | null;

  @Field(() => Int, { nullable: true, description: 'Remaining requests in the window.' })
  remaining!: number | null;

  @Field(() => Int, { nullable: true, description: 'Length of the window in seconds.' })
  windowSeconds!: number | null;

  @Field(() => Int, { nullable: true, description: 'Seconds until the next window.' })
  resetSeconds!: number | null;
}

@ObjectType('RemoteTest', {
  description: 'The result of a remote test. A field is null when the test could not determine it.',
  simpleResolvers: true,
})
export class RemoteTest {
  @Field(() => Boolean, { description: 'Whether no step failed, so that a sync can start.' })
  passed!: boolean;

  @Field(() => [RemoteTestStep], { description: 'The steps in order.' })
  steps!: RemoteTestStep[];

  @Field(() => String, {
    nullable: true,
    description: 'The IP address of the connection; null with a proxy.',
  })
  address!: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Milliseconds until the first response, including the connection.',
  })
  answeredInMs!: number | null;

  @Field(() => RemoteTestLoginEnum, {
    nullable: true,
    description: 'Result of the login.',
  })
  login!: ProbeLogin | null;

  @Field(() => Int, { nullable: true, description: 'Number of tags on the first page.' })
  tagsOnFirstPage!: number | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether the upstream announces a second page of tags.',
  })
  hasMoreTags!: boolean | null;

  @Field(() => RemoteTestRateLimit, {
    nullable: true,
    description: 'The rate limit; null when the upstream states none.',
  })
  rateLimit!: RemoteTestRateLimit | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether the upstream answers HEAD of a manifest with its digest.',
  })
  headManifests!: boolean | null;

  @Field(() => Boolean, { nullable: true, description: 'Whether the upstream supports the referrers API.' })
  referrersApi!: boolean | null;

  @Field(() => Boolean, { nullable: true, description: 'Whether the tag list honours a page size.' })
  pageSizeHonoured!: boolean | null;
}

@ObjectType('RemoteTestPayload', {
  description: 'The result of a remote test mutation.',
  simpleResolvers: true,
})
export class RemoteTestPayload extends Payload {
  @Field(() => RemoteTest, { nullable: true, description: 'The test result; null on error.' })
  test!: RemoteTest | null;
}

export function toRemoteTest({ steps, rateLimit, ...found }: RegistryProbe): RemoteTest {
  return Object.assign(new RemoteTest(), {
    passed: steps.every(({ outcome }) => outcome !== 'FAILED'),
    steps: steps.map((step) => Object.assign(new RemoteTestStep(), { ...step, code: step.code ?? null })),
    address: found.address ?? null,
    answeredInMs: found.answeredInMs ?? null,
    login: found.login ?? null,
    tagsOnFirstPage: found.tagsOnFirstPage ?? null,
    hasMoreTags: found.hasMoreTags ?? null,
    headManifests: found.headManifests ?? null,
    referrersApi: found.referrersApi ?? null,
    pageSizeHonoured: found.pageSizeHonoured ?? null,
    rateLimit:
      rateLimit === undefined
        ? null
        : Object.assign(new RemoteTestRateLimit(), {
            limit: count(rateLimit.limit),
            remaining: count(rateLimit.remaining),
            windowSeconds: seconds(rateLimit.windowMs),
            resetSeconds: seconds(rateLimit.resetMs),
          }),
  });
}

function count(value: number | undefined): number | null {
  return value === undefined ? null : atMostInt(value);
}

function seconds(milliseconds: number | undefined): number | null {
  return milliseconds === undefined ? null : count(Math.ceil(milliseconds / 1000));
}
