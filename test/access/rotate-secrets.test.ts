import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { rotateSecrets } from '../../src/access/rotate-secrets.ts';
import { createSecretBox } from '../../src/access/secrets.ts';
import { Remote } from '../../src/db/schema/remotes.ts';
import { readSecretKeyUses } from '../../src/db/access/read-secret-keys.ts';
import { useTestDatabase } from '../support/servers/test-database.ts';
import { testSecret } from '../support/test-secret.ts';

const database = useTestDatabase();

const oldKey = randomBytes(32);
const newKey = randomBytes(32);
const secretsOf = {
  passwordSealed: 'password',
  headersSealed: 'headers',
  proxyUrlSealed: 'proxy_url',
} as const;

/** Remotes with three secrets each. */
async function makeRemotes(count: number): Promise<void> {
  const em = database.em.fork();
  const box = createSecretBox([oldKey]);
  for (let number = 0; number < count; number += 1) {
    const remote = em.create(Remote, {
      name: `remote-${number}`,
      url: 'https://r.example',
      upstreamName: 'a',
    });
    await em.flush();
    for (const [column, name] of Object.entries(secretsOf))
      em.assign(remote, {
        [column]: box.encrypt(testSecret(`${number}-${name}`), `remote:${remote.id}:${name}`),
      });
  }
  await em.flush();
}

async function openAll(keys: readonly Buffer[]): Promise<string[]> {
  const box = createSecretBox(keys);
  const remotes = await database.em.fork().findAll(Remote, { orderBy: { id: 'asc' } });
  return remotes.flatMap((remote) =>
    (Object.keys(secretsOf) as (keyof typeof secretsOf)[]).map((column) =>
      box.decrypt(remote[column] ?? '', `remote:${remote.id}:${secretsOf[column]}`),
    ),
  );
}

test('fault 108: every secret is sealed with the first key, in pages, and the old key is not needed any more', async () => {
  await makeRemotes(230);
  const em = database.em.fork();
  const before = await openAll([oldKey]);
  const box = createSecretBox([newKey, oldKey]);
  expect(await rotateSecrets(em, box)).toEqual({ resealed: 690, unreadable: [] });
  expect(await openAll([newKey])).toEqual(before);
  expect(await readSecretKeyUses(em)).toEqual([{ keyId: box.keyIds[0], holders: 230 }]);
  expect(await rotateSecrets(em, box)).toEqual({ resealed: 0, unreadable: [] });
});

test('fault 108: two rotations at once, and a secret that is set meanwhile, end with the first key', async () => {
  const em = database.em.fork();
  const box = createSecretBox([oldKey, newKey]);
  const [remote] = await em.find(Remote, {}, { orderBy: { id: 'desc' }, limit: 1 });
  if (remote === undefined) throw new Error('there is no remote');
  const [one, two] = await Promise.all([
    rotateSecrets(database.em.fork(), box),
    rotateSecrets(database.em.fork(), box),
    database.em
      .fork()
      .nativeUpdate(
        Remote,
        { id: remote.id },
        { passwordSealed: box.encrypt(testSecret('new'), `remote:${remote.id}:password`) },
      ),
  ]);
  expect(one.resealed + two.resealed).toBeGreaterThanOrEqual(689);
  expect(await openAll([oldKey])).toContain(testSecret('new'));
});

test('a secret that cannot be opened is named and left, and the others are sealed all the same', async () => {
  const em = database.em.fork();
  const [first] = await em.find(Remote, {}, { orderBy: { id: 'asc' }, limit: 1 });
  if (first === undefined) throw new Error('there is no remote');
  const foreign = createSecretBox([randomBytes(32)]).encrypt('x', `remote:${first.id}:password`);
  await em.nativeUpdate(Remote, { id: first.id }, { passwordSealed: foreign });
  const rotation = await rotateSecrets(em, createSecretBox([newKey, oldKey]));
  expect(rotation).toEqual({ resealed: 689, unreadable: [`remote:${first.id}:password`] });
  expect((await database.em.fork().findOneOrFail(Remote, { id: first.id })).passwordSealed).toBe(foreign);
});
