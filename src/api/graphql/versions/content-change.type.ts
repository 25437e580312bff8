import { registerEnumType } from 'type-graphql';

export const ContentChangeEnum = { PRESENT: 'PRESENT', ADDED: 'ADDED', REMOVED: 'REMOVED' } as const;

registerEnumType(ContentChangeEnum, {
  name: 'ContentChange',
  description: "Which part of a version's content is listed.",
  valuesConfig: {
    PRESENT: { description: 'What is in the version.' },
    ADDED: { description: 'What it has and the version before it has not; a moved tag, as it is now.' },
    REMOVED: { description: 'What the version before it has and it has not; a moved tag, as it was.' },
  },
});
