import { registerEnumType } from 'type-graphql';

export const ContentChangeEnum = { PRESENT: 'PRESENT', ADDED: 'ADDED', REMOVED: 'REMOVED' } as const;

registerEnumType(ContentChangeEnum, {
  name: 'ContentChange',
  description: "The part of a version's content to list.",
  valuesConfig: {
    PRESENT: { description: 'Content of the version.' },
    ADDED: {
      description: 'Content that the previous version lacks. A moved tag is listed with its new target.',
    },
    REMOVED: {
      description: 'Content that only the previous version has. A moved tag is listed with its old target.',
    },
  },
});
