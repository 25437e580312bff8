import { expect, test } from 'vitest';
import { takeRequestSlot } from '../../src/db/tasks/rate-budget.ts';
import { useTestDatabase } from '../support/servers/test-database.ts';

const database = useTestDatabase();

test('slots are 1/rateLimit apart, whoever takes them', async () => {
  const begun = performance.now();
  const waits = await Promise.all(
    Array.from({ length: 20 }, () => takeRequestSlot(database.em.fork(), 'apart.example', 2)),
  );
  const took = performance.now() - begun;
  for (const [index, wait] of waits.sort((one, other) => one - other).entries()) {
    expect(wait).toBeLessThanOrEqual(index * 500);
    expect(wait).toBeGreaterThanOrEqual(index * 500 - took);
  }
});

test('fault 118: after the clock was set back a day, nobody waits for it to come round again', async () => {
  const host = 'jumped.example';
  const em = database.em.fork();
  await takeRequestSlot(em, host, 1);
  await em.execute(
    `update host_budget set next_request_at = next_request_at + interval '1 day' where host = ?`,
    [host],
  );
  expect(await takeRequestSlot(em, host, 1)).toBe(0);
  const near = `select next_request_at < clock_timestamp() + interval '1 minute' as near from host_budget where host = ?`;
  expect(await em.execute(near, [host])).toEqual([{ near: true }]);
});
