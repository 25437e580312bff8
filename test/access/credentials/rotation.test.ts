import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { rotateSecrets } from '../../../src/access/rotate-secrets.ts';
import { createSecretBox } from '../../../src/access/secrets.ts';
import { readSecretKeyUses } from '../../../src/db/access/read-secret-keys.ts';
import { Credential } from '../../../src/db/schema/credentials.ts';
import { insertCredential } from '../../support/credentials/open-credentials.ts';
import { useTestDatabase } from '../../support/servers/test-database.ts';
import { testSecret } from '../../support/test-secret.ts';

const database = useTestDatabase();

test('fault 108: a rotation of the key covers credentials', async () => {
  const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
  const em = database.em.fork();
  const secret = testSecret('rotated');
  const id = await insertCredential(em, createSecretBox([oldKey]), { kind: 'STATIC', username: 'u' }, secret);
  await insertCredential(em, createSecretBox([oldKey]), { kind: 'AZURE' });
  const both = createSecretBox([newKey, oldKey]);
  expect(await rotateSecrets(database.em.fork(), both)).toEqual({ resealed: 1, unreadable: [] });
  expect(await readSecretKeyUses(database.em.fork())).toEqual([{ keyId: both.keyIds[0], holders: 1 }]);
  const { secretSealed } = await database.em.fork().findOneOrFail(Credential, { id });
  expect(createSecretBox([newKey]).decrypt(secretSealed ?? '', `credential:${id}:secret`)).toBe(secret);
});
