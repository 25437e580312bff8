import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { findNamed, mutate } from '../../api-calls.ts';
import { addClientCommand } from '../../command.ts';
import type { Choose, Client } from '../../command.ts';
import { exitCodes } from '../../exit-codes.ts';
import { addList } from '../list-command.ts';
import { localTime, printDone } from '../print.ts';

interface Delivery {
  readonly id: string;
  readonly event: string;
  readonly repositoryName: string | null;
  readonly state: 'PENDING' | 'DELIVERED' | 'FAILED';
  readonly attempts: number;
  readonly httpStatus: number | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly createdAt: string;
  readonly nextAttemptAt: string | null;
}

const fields =
  'id event repositoryName state attempts httpStatus errorCode errorMessage createdAt nextAttemptAt';

export function addDeliveries(parent: Command, choose: Choose): void {
  addList<Delivery>(parent, choose, {
    usage: 'deliveries <webhook>',
    text: 'list what was sent, or is to be sent, newest first',
    list: async ({ session }, [name = '']) => {
      const { id } = await findNamed(session, 'webhook', name);
      return {
        key: 'deliveries',
        connection: 'deliveries',
        within: ['webhook(id: $id)'],
        variables: { id: ['ID!', id] },
        nodes: fields,
        noun: 'delivery',
        columns: ['DELIVERY', 'EVENT', 'REPOSITORY', 'CREATED', 'STATE', 'ATTEMPTS', 'ANSWER', 'NEXT'],
        row: (one) => [
          one.id,
          one.event,
          one.repositoryName,
          localTime(one.createdAt),
          one.state,
          one.attempts,
          one.httpStatus === null ? one.errorCode : String(one.httpStatus),
          localTime(one.nextAttemptAt),
        ],
        none: 'There are no deliveries. Send one: tidemark webhook test <webhook>',
      };
    },
  });
  addClientCommand(parent, choose, {
    usage: 'test <webhook>',
    text: 'send a ping, and wait for the first attempt',
    run: async (client, [name = '']) => {
      const { id } = await findNamed(client.session, 'webhook', name);
      return follow(client, await send(client, 'webhookTest', id));
    },
  });
  addClientCommand(parent, choose, {
    usage: 'redeliver <delivery>',
    text: 'send an event again, and wait for the first attempt',
    run: async (client, [id = '']) => follow(client, await send(client, 'webhookRedeliver', id)),
  });
}

function send({ session }: Client, mutation: string, id: string): Promise<Delivery> {
  return mutate<Delivery>(session, mutation, { field: 'delivery', fields, input: { id } });
}

const waitMs = 20_000;
const pauseMs = 300;

/** Waits for the result of the first attempt. @returns the exit code. */
async function follow(client: Client, sent: Delivery): Promise<number> {
  const until = performance.now() + waitMs;
  let delivery = sent;
  while (isUntold(delivery) && performance.now() < until) {
    await sleep(pauseMs, undefined, { signal: client.interrupt.signal });
    const { node } = await client.session.request<{ node: Delivery | null }>(
      `query ($id: ID!) { node(id: $id) { ... on WebhookDelivery { ${fields} } } }`,
      { id: sent.id },
    );
    delivery = node ?? delivery;
  }
  printDone(client, { delivery }, describe(delivery));
  return delivery.state === 'DELIVERED' ? exitCodes.done : exitCodes.failed;
}

function isUntold({ state, errorCode }: Delivery): boolean {
  return state === 'PENDING' && errorCode === null;
}

function describe(delivery: Delivery): string {
  const { event, state, httpStatus, errorCode, errorMessage, id } = delivery;
  if (state === 'DELIVERED') return `Delivered ${event}: the endpoint answered ${httpStatus}.`;
  if (isUntold(delivery)) return `${event} is not sent yet (delivery ${id}). Check that a worker runs.`;
  return `${event} was not delivered. ${errorCode}: ${errorMessage}`;
}
