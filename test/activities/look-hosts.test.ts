/** A host that does not answer must not delay looks at other hosts. */
import { expect, test } from 'vitest';
import { createLookHosts } from '../../src/activities/look/look-hosts.ts';
import { TidemarkError } from '../../src/oci/error.ts';

const { signal } = new AbortController();
const fault = (code = 'UPSTREAM_TIMEOUT') => new TidemarkError(code, 'no answer', { retryable: true });

function openHosts() {
  let nowMs = 0;
  const looked: string[] = [];
  const hosts = createLookHosts(() => nowMs);
  return {
    looked,
    pass: (ms: number) => void (nowMs += ms),
    /** A look that ends as `work` does. */
    look: (host: string, work: (answered: () => void) => Promise<string>) =>
      hosts.run(host, signal, () => {
        looked.push(host);
        return work(() => hosts.answered(host));
      }),
  };
}

const done = async () => 'done';
const answering = (work: () => Promise<string>) => (answered: () => void) => {
  answered();
  return work();
};

test('after a first look without an answer, the others of the host are left to their syncs for a minute', async () => {
  const { look, looked, pass } = openHosts();
  const answer = Promise.withResolvers<string>();
  const first = look('dead', () => answer.promise);
  const others = Array.from({ length: 40 }, () => look('dead', done));
  expect(await look('healthy', done)).toBe('done');
  expect(looked).toEqual(['dead', 'healthy']);
  answer.reject(fault());
  await expect(first).rejects.toThrow('no answer');
  expect(new Set(await Promise.all(others))).toEqual(new Set([undefined]));
  expect(await look('dead', done)).toBeUndefined();
  expect(looked).toEqual(['dead', 'healthy']);
  pass(60_001);
  expect(await look('dead', done)).toBe('done');
});

test('once the host has answered, the others look beside the first', async () => {
  const { look, looked } = openHosts();
  const end = Promise.withResolvers<string>();
  const first = look('host', (answered) => {
    answered();
    return end.promise;
  });
  expect(await Promise.all([look('host', done), look('host', done)])).toEqual(['done', 'done']);
  expect(looked).toHaveLength(3);
  end.resolve('done');
  expect(await first).toBe('done');
});

test('a first look that ends without asking anything leaves the proof to the next', async () => {
  const { look, looked } = openHosts();
  expect(await look('host', done)).toBe('done');
  await expect(look('host', () => Promise.reject(fault()))).rejects.toThrow('no answer');
  expect(await look('host', done)).toBeUndefined();
  expect(looked).toHaveLength(2);
});

test('a network fault of a later look is known to those that wait; any other error is not one of the host', async () => {
  const { look } = openHosts();
  expect(await look('host', answering(done))).toBe('done');
  const refused = look(
    'host',
    answering(() => Promise.reject(fault('UPSTREAM_FORBIDDEN'))),
  );
  await expect(refused).rejects.toThrow('no answer');
  expect(await look('host', answering(done))).toBe('done');
  const failed = look(
    'host',
    answering(() => Promise.reject(fault('UPSTREAM_UNAVAILABLE'))),
  );
  await expect(failed).rejects.toThrow('no answer');
  expect(await look('host', answering(done))).toBeUndefined();
});

test('first looks at hosts that do not answer leave places for hosts that do', async () => {
  const { look, looked } = openHosts();
  const answers = Array.from({ length: 30 }, () => Promise.withResolvers<string>());
  expect(await look('healthy', async (answered) => (answered(), 'done'))).toBe('done');
  const firsts = answers.map(({ promise }, index) =>
    look(`dead${index}`, () => promise).catch(() => undefined),
  );
  const some = Array.from({ length: 20 }, () => look('healthy', done));
  expect(await Promise.all(some)).toEqual(Array(20).fill('done'));
  expect(looked.filter((host) => host.startsWith('dead'))).toHaveLength(8);
  for (const { reject } of answers) reject(fault());
  await Promise.all(firsts);
});
