/** Signatures, the example of docs/webhooks.md, and the pauses between attempts. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { nextAttemptInMs } from '../../src/webhooks/retries.ts';
import { newWebhookSecret, signMessage } from '../../src/webhooks/sign-message.ts';
import { projectRoot } from '../support/import-graph.ts';

test('the example of docs/webhooks.md accepts what we sign, and nothing else', async () => {
  const page = readFileSync(join(projectRoot, 'docs/webhooks.md'), 'utf8');
  const [, code = ''] = /<!-- example: verify -->\n```js\n([^]*?)\n```/.exec(page) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-verify-'));
  const file = join(folder, 'verify.mjs');
  await writeFile(file, code);
  const { verify } = (await import(pathToFileURL(file).href)) as {
    verify: (secret: string, headers: object, body: Buffer) => boolean;
  };
  const [secret, earlier] = [newWebhookSecret(), newWebhookSecret()];
  const body = { contentType: 'application/json', text: '{"a":"ü"}' };
  const sign = (sentAt: Date, ...secrets: string[]) => signMessage({ id: 'msg_1', sentAt, body }, secrets);
  const bytes = Buffer.from(body.text);
  expect(verify(secret, sign(new Date(), secret), bytes)).toBe(true);
  // during a rotation
  expect(verify(earlier, sign(new Date(), secret, earlier), bytes)).toBe(true);
  expect(verify(secret, sign(new Date(), earlier), bytes)).toBe(false);
  expect(verify(secret, sign(new Date(), secret), Buffer.from('{}'))).toBe(false);
  expect(verify(secret, sign(new Date(Date.now() - 600_000), secret), bytes)).toBe(false);
  await rm(folder, { recursive: true });
});

test('the vector of Standard Webhooks is signed as it says', () => {
  const headers = signMessage(
    {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      sentAt: new Date(1_614_265_330_000),
      body: { contentType: 'application/json', text: '{"test": 2432232314}' },
    },
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  );
  expect(headers).toMatchObject({
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('attempts grow apart for a day, and an endpoint may ask for a longer pause', () => {
  let ageMs = 0;
  const pauses: number[] = [];
  for (let attempts = 1; ; attempts += 1) {
    const pause = nextAttemptInMs({ attempts, ageMs }, 0.5);
    if (pause === undefined) break;
    pauses.push(pause / 1000);
    ageMs += pause;
  }
  expect(pauses).toEqual(
    [10, 30, 90, 270, 810, 2_430, 7_290, 14_400, 14_400, 14_400, 14_400, 14_400].slice(0, pauses.length),
  );
  expect(ageMs).toBeGreaterThan(20 * 3_600_000);
  expect(ageMs).toBeLessThanOrEqual(24 * 3_600_000);
  expect(nextAttemptInMs({ attempts: 1, ageMs: 0, askedMs: 60_000 })).toBe(60_000);
  expect(nextAttemptInMs({ attempts: 1, ageMs: 0, askedMs: 86_400_000 })).toBe(14_400_000);
});
