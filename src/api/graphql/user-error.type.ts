import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { mistakeCodes } from '../../operations/mistakes.ts';
import type { MistakeCode } from '../../operations/mistakes.ts';

/** A type and a value, from which GraphQL's enum is built. */
export const ErrorCode = Object.fromEntries(mistakeCodes.map((code) => [code, code])) as {
  readonly [code in MistakeCode]: code;
};
export type ErrorCode = MistakeCode;

registerEnumType(ErrorCode, {
  name: 'ErrorCode',
  description: 'Stable codes of validation errors.',
  valuesConfig: {
    INVALID: { description: 'The value is invalid; the message says what is expected.' },
    NOT_FOUND: { description: 'No object has this id, or the caller may not see it.' },
    ALREADY_EXISTS: { description: 'The name is already in use.' },
    IN_USE: {
      description: 'The object is in use and cannot be changed or deleted; the message names the users.',
    },
    SYNC_ALREADY_RUNNING: {
      description: 'A sync of the repository is running; the payload contains its task.',
    },
    REPOSITORY_IS_MIRRORED: {
      description: 'The repository is a mirror: only syncs and restores change its content.',
    },
    WOULD_BECOME_MIRROR: {
      description:
        'The repository has pushed content, and the sync would turn it into a mirror, which refuses pushes. Set convertToMirror to allow that.',
    },
    FORBIDDEN: { description: 'The caller lacks a role; the message names it.' },
  },
});

@ObjectType('UserError', {
  description: 'A validation error. A mutation that returns one has changed nothing.',
  simpleResolvers: true,
})
export class UserError {
  @Field(() => ErrorCode, { description: 'Stable code of the error.' })
  code!: ErrorCode;

  @Field(() => [String], { description: 'The path of the field inside `input`, e.g. ["includeTags", "0"].' })
  field!: string[];

  @Field(() => String, { description: 'The received value, the expected one, and how to fix it.' })
  message!: string;
}
