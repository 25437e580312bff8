import { registerEnumType } from 'type-graphql';

export const RemotePolicyEnum = {
  IMMEDIATE: 'IMMEDIATE',
  ON_DEMAND: 'ON_DEMAND',
  STREAMED: 'STREAMED',
} as const;

registerEnumType(RemotePolicyEnum, {
  name: 'RemotePolicy',
  description: 'When blobs are fetched.',
  valuesConfig: {
    IMMEDIATE: { description: 'The sync fetches all blobs.' },
    ON_DEMAND: {
      description: 'The sync fetches configs. Layers are fetched and stored at their first pull.',
    },
    STREAMED: { description: 'The sync fetches configs. Layers are fetched at every pull and never stored.' },
  },
});
