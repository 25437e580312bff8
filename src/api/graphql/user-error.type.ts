import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { mistakeCodes } from '../../operations/mistakes.ts';
import type { MistakeCode } from '../../operations/mistakes.ts';

/** As a type and a value, which GraphQL's enum is made of. */
export const ErrorCode = Object.fromEntries(mistakeCodes.map((code) => [code, code])) as {
  readonly [code in MistakeCode]: code;
};
export type ErrorCode = MistakeCode;

registerEnumType(ErrorCode, {
  name: 'ErrorCode',
  description: 'Stable names of the mistakes that a caller can make.',
  valuesConfig: {
    INVALID: { description: 'The value cannot be used; the message says what was expected.' },
    NOT_FOUND: { description: 'There is nothing with this id, or not any more.' },
    ALREADY_EXISTS: { description: 'The name is taken.' },
    IN_USE: { description: 'It is used, and so cannot be deleted; the message says by what.' },
    SYNC_ALREADY_RUNNING: { description: 'A sync of the repository is running; the payload has its task.' },
    REPOSITORY_IS_MIRRORED: { description: 'The repository mirrors an upstream and takes no other changes.' },
    WOULD_BECOME_MIRROR: {
      description:
        'The repository was pushed to, and this sync would turn it into a mirror that refuses pushes. Allow it with convertToMirror.',
    },
    FORBIDDEN: { description: 'The caller lacks the role for it; the message says which.' },
  },
});

@ObjectType('UserError', {
  description: "A mistake of the caller's. Where a mutation answers any, the data is as it was before.",
  simpleResolvers: true,
})
export class UserError {
  @Field(() => ErrorCode, { description: 'What kind of mistake it is.' })
  code!: ErrorCode;

  @Field(() => [String], { description: 'The path inside `input`, e.g. ["includeTags", "0"].' })
  field!: string[];

  @Field(() => String, { description: 'What was received, what was expected, and what to do.' })
  message!: string;
}
