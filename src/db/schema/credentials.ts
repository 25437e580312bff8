import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import { autoId, timestamps } from './columns/columns.ts';

export const credentialKinds = ['STATIC', 'DOCKER_CONFIG', 'HELPER', 'ECR', 'GOOGLE', 'AZURE'] as const;
export type CredentialKind = (typeof credentialKinds)[number];

/** A login at registries, shared by remotes. Each kind uses some of the columns (`access/credentials/kinds.ts`). */
export const Credential = defineEntity({
  name: 'Credential',
  properties: {
    id: autoId,
    name: p.text(),
    kind: p.enum(credentialKinds),
    /** Host patterns; null: the default of the kind. jsonb, not text[]: MikroORM trims the texts of an array. */
    hosts: p.json<readonly string[]>().nullable(),
    username: p.text().nullable(),
    configFile: p.text().nullable(),
    helper: p.text().nullable(),
    region: p.text().nullable(),
    roleArn: p.text().nullable(),
    clientId: p.text().nullable(),
    /** The password of STATIC, or the service account key of GOOGLE. */
    secretSealed: p.text().nullable(),
    ...timestamps,
  },
});
export type Credential = InferEntity<typeof Credential>;

export const credentialsTables = [Credential];
