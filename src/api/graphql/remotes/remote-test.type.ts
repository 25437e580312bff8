import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type {
  ProbeLogin,
  ProbeOutcome,
  ProbeStepName,
  RegistryProbe,
} from '../../../oci/hosts/registry-probe.ts';
import { UserError } from '../user-error.type.ts';

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
  description: 'A part of a test of a remote.',
  valuesConfig: {
    REACH: { description: 'Whether the upstream answers.' },
    TLS: { description: 'Whether its certificate is valid and trusted.' },
    LOGIN: { description: 'Whether the user name and password are accepted.' },
    LIST: { description: 'Whether the tags of the repository are listed.' },
    HEAD: { description: 'Whether HEAD of a manifest is answered with a digest.' },
    REFERRERS: { description: 'Whether the upstream has the referrers API.' },
    PAGE_SIZE: { description: 'Whether the list of tags honours a page size.' },
    RATE_LIMIT: { description: 'What the upstream states of a rate limit.' },
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
  description: 'What became of a step.',
  valuesConfig: {
    PASSED: { description: 'It works.' },
    WARNING: { description: 'Worth knowing; a sync works all the same.' },
    FAILED: { description: 'A sync would fail.' },
    SKIPPED: { description: 'Not tried, because an earlier step failed.' },
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
  description: 'What the upstream said to the user name and password.',
  valuesConfig: {
    NONE: { description: 'The remote has none.' },
    ACCEPTED: { description: 'They were accepted.' },
    NOT_ASKED: { description: 'The upstream answered without asking for them.' },
    REFUSED: { description: 'They were refused.' },
  },
});

@InputType('RemoteTestInput', { description: 'A remote to test.' })
export class RemoteTestInput {
  @Field(() => ID, { description: 'The remote.' })
  id!: string;
}

@ObjectType('RemoteTestStep', { description: 'One step of a test.', simpleResolvers: true })
export class RemoteTestStep {
  @Field(() => RemoteTestStepNameEnum, { description: 'Which one.' })
  name!: ProbeStepName;

  @Field(() => RemoteTestOutcomeEnum, { description: 'What became of it.' })
  outcome!: ProbeOutcome;

  @Field(() => String, { description: 'What was found, in a sentence.' })
  message!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The code that a task fails with for the same reason; null where there was no error.',
  })
  code!: string | null;
}

@ObjectType('RemoteTestRateLimit', {
  description: 'A rate limit, as the upstream states it; null for what it does not state.',
  simpleResolvers: true,
})
export class RemoteTestRateLimit {
  @Field(() => Int, { nullable: true, description: 'Requests in a window.' })
  limit!: number | null;

  @Field(() => Int, { nullable: true, description: 'Requests that are left.' })
  remaining!: number | null;

  @Field(() => Int, { nullable: true, description: 'Length of the window in seconds.' })
  windowSeconds!: number | null;

  @Field(() => Int, { nullable: true, description: 'Seconds until the next window.' })
  resetSeconds!: number | null;
}

@ObjectType('RemoteTest', {
  description: 'What a test of a remote found; null for what it could not find out.',
  simpleResolvers: true,
})
export class RemoteTest {
  @Field(() => Boolean, { description: 'Whether no step failed: a sync can begin.' })
  passed!: boolean;

  @Field(() => [RemoteTestStep], { description: 'Each step once, in order.' })
  steps!: RemoteTestStep[];

  @Field(() => String, {
    nullable: true,
    description: 'The IP address that was connected to; with a proxy, null.',
  })
  address!: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Milliseconds until the first answer, the connection included.',
  })
  answeredInMs!: number | null;

  @Field(() => RemoteTestLoginEnum, {
    nullable: true,
    description: 'What the upstream said to the user name and password.',
  })
  login!: ProbeLogin | null;

  @Field(() => Int, { nullable: true, description: 'Tags on the first page of the list.' })
  tagsOnFirstPage!: number | null;

  @Field(() => Boolean, { nullable: true, description: 'Whether the upstream names a further page.' })
  hasMoreTags!: boolean | null;

  @Field(() => RemoteTestRateLimit, {
    nullable: true,
    description: 'The rate limit; null where none is stated.',
  })
  rateLimit!: RemoteTestRateLimit | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether HEAD of a manifest is answered with a digest.',
  })
  headManifests!: boolean | null;

  @Field(() => Boolean, { nullable: true, description: 'Whether the upstream has the referrers API.' })
  referrersApi!: boolean | null;

  @Field(() => Boolean, { nullable: true, description: 'Whether the list of tags honours a page size.' })
  pageSizeHonoured!: boolean | null;
}

@ObjectType('RemoteTestPayload', { description: 'The outcome of a test of a remote.', simpleResolvers: true })
export class RemoteTestPayload {
  @Field(() => RemoteTest, { nullable: true, description: 'The test; null where there were mistakes.' })
  test!: RemoteTest | null;

  @Field(() => [UserError], { description: "All of the caller's mistakes; empty when it was done." })
  userErrors!: UserError[];
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

/** The largest Int of GraphQL; an upstream decides what it states. */
const intMax = 2 ** 31 - 1;

function count(value: number | undefined): number | null {
  return value === undefined ? null : Math.min(value, intMax);
}

function seconds(milliseconds: number | undefined): number | null {
  return milliseconds === undefined ? null : count(Math.ceil(milliseconds / 1000));
}
